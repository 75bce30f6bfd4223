"""The name under which a transformers model takes and returns its KV cache.

Transformers 5.24 renamed `past_key_values` to `cache` and drops the old name in 5.40. The model's own signature
tells which one it takes, so both sides of the change run without a warning.
"""

from __future__ import annotations

import inspect
from typing import Any, Literal

CacheName = Literal["cache", "past_key_values"]


def cache_name(model: Any) -> CacheName:
    """Of a transformers model's `forward`: the argument, and the field of its output, that hold the cache."""
    return "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"
