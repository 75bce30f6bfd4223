"""Token buckets: rates that a peer may not exceed for long."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial


class TokenBucket:
    """`rate` tokens per second, at most `burst` at once. `clock` gives monotonic seconds."""

    __slots__ = ("_at", "_burst", "_clock", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = burst
        self._at = clock()

    def allow(self, cost: float = 1.0) -> bool:
        """Take `cost` tokens, or none when there are too few."""
        self._refill()
        if self._tokens < cost:
            return False
        self._tokens -= cost
        return True

    @property
    def ready(self) -> bool:
        """Whether a token can be taken."""
        self._refill()
        return self._tokens >= 1

    def charge(self, cost: float = 1.0) -> float:
        """Take `cost` tokens, on credit if need be; returns the seconds to wait until they are paid."""
        self._refill()
        self._tokens -= cost
        return max(0.0, -self._tokens / self._rate)

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now


class Buckets:
    """A bucket per key (an address), for at most `size` keys: the one that was used longest ago makes room."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float], size: int = 10_000) -> None:
        self._new = partial(TokenBucket, rate, burst, clock)
        self._size = size
        self._burst = burst
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def allow(self, key: str, cost: float = 1.0) -> bool:
        """Take `cost` tokens of `key`, at most all that a full bucket has."""
        return self.of(key).allow(min(cost, self._burst))

    def charge(self, key: str) -> float:
        """Take a token of `key`, on credit if need be; returns the seconds to wait until it is paid."""
        return self.of(key).charge()

    def of(self, key: str) -> TokenBucket:
        """The bucket of a key."""
        bucket = self._buckets.pop(key, None) or self._new()
        self._buckets[key] = bucket
        if len(self._buckets) > self._size:
            self._buckets.popitem(last=False)
        return bucket
