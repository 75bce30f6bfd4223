"""`antiphon bench hostile`: an attacker in a server, and the effects on others.

A server of its own; two people in a room of their own measure how long an edit takes (`bystander`) while

- frames that are made to harm come over `/ws` and `/yjs` (`bench.attacks.frames`),
- each attack by legal requests goes on in another room (`bench.attacks.legal`);

and the same updates are brought into several implementations of Yjs, and rooms reopened (`differential`).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import aiohttp
from msgspec import Struct
from msgspec.structs import replace

from antiphon_proto.codec import encode
from antiphon_proto.messages import FRAGMENT_BODY, Edit
from antiphon_server.bench import node_peers
from antiphon_server.bench.attacks.clients import Log, Member, Site
from antiphon_server.bench.attacks.differential import differential
from antiphon_server.bench.attacks.forgeries import forged
from antiphon_server.bench.attacks.frames import Frames
from antiphon_server.bench.attacks.legal import ATTACKS, SHORT, Ground
from antiphon_server.bench.processes import Usage, antiphon_server
from antiphon_server.bench.relay_clients import DrainClient
from antiphon_server.bench.report import Report, Target

_LIGHT: Final = ("--text-model=http://127.0.0.1:9/v1#nobody", "--image-model=none", "--music-model=none")
_PERIOD: Final = 0.05
_FREEZE_MS: Final = 50.0
"""More than the median without harm: a freeze."""
_BURST: Final = 300
"""Frames of one connection before it goes."""
_ROOM: Final = 4000
"""Frames after which another room is taken."""
_QUIET: Final = 3.0


class _Size(Struct, frozen=True):
    frames: int
    seconds: float
    """Of each attack."""
    updates: int
    rooms: int
    requests: int
    """Over HTTP; 0 leaves them out."""
    text: int
    """Bytes of the room that is attacked."""
    attacks: tuple[str, ...]
    forgeries: int


_NORMAL: Final = _Size(100_000, 8.0, 10_000, 200, 2000, 6_000_000, tuple(ATTACKS), 10_000)
_LONG: Final = _Size(1_000_000, 12.0, 100_000, 2000, 50_000, 6_000_000, tuple(ATTACKS), 10_000)
_SHORT: Final = _Size(1500, 1.5, 300, 6, 0, 500_000, SHORT, 200)


def run(
    long: bool, *, short: bool = False, seconds: float | None = None, frames: int | None = None
) -> Report:
    """`seconds` of each attack and the number of `frames`, where they are to differ from those of the form."""
    size = _SHORT if short else _LONG if long else _NORMAL
    size = replace(size, frames=frames or size.frames, seconds=seconds or size.seconds)
    results = asyncio.run(_measured(size))
    # The short form fetches nothing: it does without JavaScript.
    modules = None if short else node_peers.install(node_peers.CACHE)
    found, _ = differential(size.updates, size.rooms, 1, modules)
    results["differential"] = found
    results["http"] = _fuzzed_http(size.requests)
    return Report("hostile", _load(size), results, _targets(results, size))


def _fuzzed_http(requests: int) -> dict[str, Any]:
    """Of `http_fuzz`, a process of its own; nothing where its library is not installed."""
    if not requests or find_spec("schemathesis") is None:
        return {}
    command = [
        sys.executable,
        "-P",
        "-m",
        "antiphon_server.bench.attacks.http_fuzz",
        "--requests",
        str(requests),
    ]
    environment = {**os.environ, "ANTIPHON_WATCHDOG": "0"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    found: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
    return found


def _load(size: _Size) -> str:
    return (
        f"{size.frames} hostile frames over /ws and /yjs; {len(size.attacks)} attacks of {size.seconds:g} s on a room "
        f"of {size.text / 1e6:g} MB; {size.updates} updates in three implementations, {size.rooms} rooms reopened; "
        f"{size.requests} requests over HTTP"
    )


def _targets(results: dict[str, Any], size: _Size) -> tuple[Target, ...]:
    frames, found = results["frames"], results["differential"]
    base = results["quiet"]["p99_ms"]
    attacks = results["attacks"]
    return (
        Target("freezes of another room over 50 ms, hostile frames", frames["freezes"], "<=", 0),
        Target("tracebacks and errors in the log", len(results["log"]), "<=", 0),
        Target("growth of the resident set by hostile frames, %", frames["rss_growth_percent"], "<=", 10),
        *(
            Target(f"p99 of a bystander more, ms: {name}", round(attacks[name]["p99_ms"] - base, 2), "<=", 40)
            for name in size.attacks
        ),
        *(
            Target(f"HTTP: {name}", results["http"].get(key), "<=", 0)
            for name, key in (("answers of 5xx", "server_errors"), ("tracebacks", "tracebacks"))
            if size.requests
        ),
        Target(
            "forged attributes, embeds, ids and presences believed",
            sum(results["forgeries"]["believed"].values()) + results["forgeries"]["lost"],
            "<=",
            0,
        ),
        Target("rooms that cannot be opened again", found.get("unopenable"), "<=", 0),
        Target("texts that differ after opening", found.get("texts that differ"), "<=", 0),
        Target("author sums that differ", found.get("author sums that differ"), "<=", 0),
        Target("differences between implementations", found.get("differences"), "<=", 0),
    )


async def _measured(size: _Size) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="antiphon-") as folder:
        log = Path(folder) / "log"
        limits = ("--log-level", "warning")
        async with (
            antiphon_server(Path(folder) / "data", (*_LIGHT, *limits), log) as (url, usage),
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as http,
        ):
            site = Site(url, http)
            own = await site.new_room()
            async with _bystander(site, own) as bystander:
                await asyncio.sleep(_QUIET)
                await bystander.take()
                await asyncio.sleep(_QUIET)
                quiet = summary(await bystander.take(), 0.0)
                frames = await _frames(site, size, usage, bystander, quiet["p50_ms"])
                # The last of the attacks uses up the rate of new rooms.
                lies = await forged(site, size.forgeries)
                attacks = await _attacks(site, size, usage, bystander, quiet["p50_ms"])
            log_lines = Log(log).faults()
    return {"quiet": quiet, "frames": frames, "attacks": attacks, "forgeries": lies, "log": log_lines[:20]}


async def _frames(
    site: Site, size: _Size, usage: Usage, bystander: _Bystander, base: float
) -> dict[str, Any]:
    # The first of them fill pools and caches that are there to stay.
    warm = max(200, size.frames // 20)
    await _send(site, warm, 1)
    await asyncio.sleep(_QUIET)
    await bystander.take()
    before = usage.rss_mb()
    started = time.perf_counter()
    told = await _send(site, size.frames, 2)
    took = time.perf_counter() - started
    felt = summary(await bystander.take(), base)
    await asyncio.sleep(_QUIET)
    after = usage.rss_mb()
    return {
        "sent": size.frames,
        "seconds": round(took, 1),
        "rss_mb_before": round(before, 1),
        "rss_mb_after": round(after, 1),
        "rss_growth_percent": round(100 * (after / before - 1), 1),
        **told,
        **felt,
    }


async def _send(site: Site, count: int, seed: int) -> dict[str, int]:
    """So many frames, from a few connections of both dialects at a time."""
    told = Counter[str]()
    left = [count]
    room = await site.new_room()
    rooms: dict[str, Any] = {"room": room, "until": count - _ROOM}

    async def sender(number: int) -> None:
        chance = random.Random(f"{seed}/{number}")
        frames = Frames(chance.getrandbits(32), 1 + chance.getrandbits(31))
        where: Any = None
        while left[0] > 0:
            if where is not rooms["room"]:
                where = rooms["room"]
                frames.begin()
            try:
                send, make, client = await _hostile(site, where, frames, plain=number % 2 == 0)
            except (ConnectionError, OSError):
                told["not let in"] += 1
                await asyncio.sleep(0.2)
                continue
            for _ in range(min(_BURST, left[0])):
                if client.closed.done():
                    told["closed"] += 1
                    break
                send(make())
                left[0] -= 1
                await asyncio.sleep(0 if chance.random() < 0.95 else 0.01)
            client.close()
            if left[0] < rooms["until"]:
                rooms["until"] = left[0] - _ROOM
                rooms["room"] = await site.new_room()

    await asyncio.gather(*(sender(number) for number in range(4)))
    return dict(told)


async def _hostile(site: Site, room: dict[str, Any], frames: Frames, *, plain: bool) -> Any:
    if plain:
        token = room["tokens"]["editor"]
        client = await DrainClient.open(f"{site.ws}/yjs/{room['room']}?token={token}&name=Mallory")
        return client.send, frames.plain, client
    member = await Member.join(site.ws, room["tokens"]["editor"], "Mallory")
    frames.write_as(member.client_id)
    return member.send, frames.native, member.client


async def _attacks(
    site: Site, size: _Size, usage: Usage, bystander: _Bystander, base: float
) -> dict[str, Any]:
    room = await site.new_room()
    ground = Ground(site, room, await _written(site, room, size.text))
    found: dict[str, Any] = {}
    for name in size.attacks:
        await asyncio.sleep(1.0)
        await bystander.take()
        stop = asyncio.Event()
        cpu, started = usage.cpu_seconds(), time.perf_counter()
        task = asyncio.create_task(ATTACKS[name](ground, stop))
        await asyncio.sleep(size.seconds)
        felt = summary(await bystander.take(), base)
        core = (usage.cpu_seconds() - cpu) / (time.perf_counter() - started)
        stop.set()
        told = await task
        found[name] = {**felt, "core_percent": round(100 * core), "rss_mb": round(usage.rss_mb()), **told}
    return found


async def _written(site: Site, room: dict[str, Any], length: int) -> int:
    """Fill the room with a text of about so many bytes, in some hundred pieces."""
    from pycrdt import Doc, Text

    member = await Member.join(site.ws, room["tokens"]["owner"], "Ann")
    doc: Doc[Any] = Doc(client_id=member.client_id)
    story: Text = doc.get("story", type=Text)
    line = "Lorem ipsum dolor sit amet, and so he said. " * 40 + "\n"
    pieces = 30
    for batch in range(1, pieces + 1):
        before = doc.get_state()
        story.insert(0, line * max(1, length // pieces // len(line)))
        member.send_fragments(encode(Edit(batch, doc.get_update(before))), FRAGMENT_BODY)
        await asyncio.sleep(0.05)
    chance = random.Random(3)
    for batch in range(pieces + 1, pieces + 301):
        before = doc.get_state()
        story.insert(chance.randrange(len(story)), "zz", {"bold": True} if batch % 3 else {})
        member.send(encode(Edit(batch, doc.get_update(before))))
        await asyncio.sleep(0.002)
    await asyncio.sleep(1.0)
    member.close()
    return len(story)


def summary(taken: dict[str, Any], base: float) -> dict[str, Any]:
    """Of latencies in milliseconds; freezes above `base` are counted."""
    values = sorted(taken["ms"]) or [0.0]
    return {
        "edits": len(taken["ms"]),
        "p50_ms": round(statistics.median(values), 2),
        "p99_ms": round(values[min(len(values) - 1, int(0.99 * len(values)))], 2),
        "max_ms": round(values[-1], 2),
        "freezes": sum(value > base + _FREEZE_MS for value in values),
        "lost": taken["lost"],
    }


class _Bystander:
    def __init__(self, process: Process) -> None:
        self._process = process

    async def take(self) -> dict[str, Any]:
        """Latencies since the last call."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(b"\n")
        await stdin.drain()
        taken: dict[str, Any] = json.loads(await stdout.readline())
        return taken


@asynccontextmanager
async def _bystander(site: Site, room: dict[str, Any]) -> AsyncIterator[_Bystander]:
    tokens = room["tokens"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "antiphon_server.bench.attacks.bystander",
        site.ws, tokens["owner"], tokens["editor"], str(_PERIOD),
        stdin=PIPE, stdout=PIPE, limit=2**24, env=dict(os.environ),
    )  # fmt: skip
    try:
        yield _Bystander(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
