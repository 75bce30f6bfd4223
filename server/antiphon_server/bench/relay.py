"""`antiphon bench relay`: edits of many clients through the gateway, beside the stock Node y-websocket server.

The same load generator, on the same kind of connections, offers the same edits to (a) Antiphon's native protocol,
(b) its plain y-websocket endpoint and (c) npm `@y/websocket-server`. Both servers run throughout and are loaded one
at a time, in turns; the figure is the CPU time of the server process per edit delivered to a client. Two observers
per run apply every update and time it.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import tempfile
import time
from pathlib import Path

import aiohttp
from msgspec import Struct

from antiphon_server.bench import node_peers
from antiphon_server.bench.processes import Usage, antiphon_server, node_server
from antiphon_server.bench.relay_clients import Dialect, DrainClient, Observer, Writer, greeting
from antiphon_server.bench.report import Report, Target

SCENARIOS = ((50, 100), (50, 250), (200, 100))
"""(clients, offered edits per second): 2 and 5 key presses per second of each of 50 people; a large room."""
WRITERS = 25
OBSERVERS = 2
SECONDS, LONG_SECONDS = 6.0, 30.0
ROUNDS, LONG_ROUNDS = 2, 5
_ARRIVAL_SECONDS = 20.0
_SETTLE_SECONDS = 0.5


class Load(Struct, frozen=True):
    """One measured run."""

    cpu_us_per_delivered_edit: float
    p50_ms: float
    p99_ms: float
    edits: int
    frames_per_client: float
    bytes_per_client: float
    rss_mb: float


class Subject(Struct, frozen=True):
    """The server under load: its address, and its process."""

    name: str
    dialect: Dialect
    usage: Usage


def run(long: bool) -> Report:
    """Measure. Raises EngineUnavailable when Node or its packages cannot be had."""
    node = node_peers.node_folder()
    return asyncio.run(_run(long, node, node_peers.install(node_peers.CACHE)))


async def _run(long: bool, node: Path, peers: Path) -> Report:
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as data:
        async with (
            antiphon_server(Path(data), ("--config", str(_settings(Path(data))))) as (url, gateway),
            node_server(node, peers / node_peers.SERVER, port) as stock,
        ):
            subjects = (
                Subject("antiphon native", "native", gateway),
                Subject("antiphon y-websocket", "yjs", gateway),
                Subject("node y-websocket-server", "yjs", stock),
            )
            runs: dict[tuple[str, str], list[Load]] = {}
            seconds, rounds = (LONG_SECONDS, LONG_ROUNDS) if long else (SECONDS, ROUNDS)
            for clients, rate in SCENARIOS:
                for turn in range(rounds):
                    for subject in subjects:
                        target = (
                            (f"ws://127.0.0.1:{port}/room-{clients}-{rate}-{turn}", "")
                            if subject.usage is stock
                            else await _new_room(url, subject.dialect)
                        )
                        load = await _load(subject, *target, clients, rate, seconds)
                        runs.setdefault((_scenario(clients, rate), subject.name), []).append(load)
            return _report(runs, gateway)


def _scenario(clients: int, rate: int) -> str:
    return f"{clients} clients, {rate} edits/s"


def _settings(folder: Path) -> Path:
    """200 clients come from one address within a second: the bounds that guard against that are opened."""
    file = folder / "bench.toml"
    file.write_text('log_level = "error"\n[limits]\nmax_members = 512\nmax_known = 4096\n')
    return file


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _new_room(url: str, dialect: Dialect) -> tuple[str, str]:
    """Address to connect to and the join token."""
    async with aiohttp.ClientSession() as http, http.post(f"{url}/api/rooms", json={}) as answer:
        answer.raise_for_status()
        body = await answer.json()
    base, token = f"ws{url[4:]}", body["tokens"]["editor"]
    if dialect == "yjs":
        return f"{base}/yjs/{body['room']}?token={token}", token
    return f"{base}/ws", token


async def _load(subject: Subject, url: str, token: str, clients: int, rate: int, seconds: float) -> Load:
    """Connect, write for `seconds`, wait until both observers have everything, and divide."""
    observers = [Observer(subject.dialect) for _ in range(OBSERVERS)]
    connected: list[DrainClient] = []
    for number in range(clients):
        client = await DrainClient.open(url, observers[number].on_message if number < OBSERVERS else None)
        client.send(greeting(subject.dialect, token, number))
        connected.append(client)
    await asyncio.sleep(_SETTLE_SECONDS)
    drained = connected[OBSERVERS:]
    frames, received = sum(c.messages for c in drained), sum(c.received_bytes for c in drained)
    writers = [Writer(client, subject.dialect) for client in drained[:WRITERS]]

    cpu = subject.usage.cpu_seconds()
    sent = await _write(writers, rate, seconds)
    await _arrival(observers, len(sent))
    cpu = subject.usage.cpu_seconds() - cpu

    if any(client.closed.done() for client in connected):
        raise RuntimeError(f"{subject.name} closed a client under load")
    delays = sorted((observer.seen[edit] - sent[edit]) * 1000 for observer in observers for edit in sent)
    load = Load(
        cpu_us_per_delivered_edit=cpu * 1e6 / (len(sent) * clients),
        p50_ms=statistics.median(delays),
        p99_ms=delays[int(len(delays) * 0.99)],
        edits=len(sent),
        frames_per_client=(sum(c.messages for c in drained) - frames) / len(drained),
        bytes_per_client=(sum(c.received_bytes for c in drained) - received) / len(drained),
        rss_mb=subject.usage.rss_mb(),
    )
    for client in connected:
        client.close()
    await asyncio.gather(*(client.closed for client in connected))
    await asyncio.sleep(_SETTLE_SECONDS)
    return load


async def _write(writers: list[Writer], rate: int, seconds: float) -> dict[int, float]:
    """Offer edits at an even rate; when each was written, by its number."""
    sent: dict[int, float] = {}
    began = time.perf_counter()
    for edit in range(int(rate * seconds)):
        delay = began + edit / rate - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        sent[edit] = time.perf_counter()
        writers[edit % len(writers)].write(edit)
    return sent


async def _arrival(observers: list[Observer], edits: int) -> None:
    async with asyncio.timeout(_ARRIVAL_SECONDS):
        while any(len(observer.seen) < edits for observer in observers):
            await asyncio.sleep(0.05)


def _report(runs: dict[tuple[str, str], list[Load]], gateway: Usage) -> Report:
    groups: dict[str, dict[str, dict[str, float]]] = {}
    for (scenario, name), loads in runs.items():
        groups.setdefault(scenario, {})[name] = {
            field: round(statistics.median(getattr(load, field) for load in loads), 3)
            for field in Load.__struct_fields__
        }
    targets = []
    for scenario, group in groups.items():
        stock = group["node y-websocket-server"]["cpu_us_per_delivered_edit"]
        for name in ("antiphon native", "antiphon y-websocket"):
            ratio = round(group[name]["cpu_us_per_delivered_edit"] / stock, 3)
            group[name]["cpu_ratio_to_node"] = ratio
            if scenario.startswith("50 clients"):
                targets.append(
                    Target(f"CPU per delivered edit to Node's: {name}, {scenario}", ratio, "<=", 0.5)
                )
    largest = max(group["antiphon native"]["rss_mb"] for group in groups.values())
    torch = gateway.has_mapped("/torch/")
    targets.append(Target("gateway RSS with 200 clients, MB", largest, "<=", 150))
    targets.append(Target("gateway maps torch (0 no, 1 yes)", int(torch), "<=", 0))
    return Report(
        bench="relay",
        load=f"{WRITERS} writers; medians of the rounds; the load generator shares the cores with the servers",
        results={**groups, "gateway_maps_torch": torch},
        targets=tuple(targets),
    )
