"""The metrics that Prometheus scrapes at `/metrics`: plain integers on hot paths, gathered on request."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from antiphon_engines.ipc.channel import Stats
from antiphon_server.net.connections import Connections
from antiphon_server.net.outbox import Traffic
from antiphon_server.net.sockets import Sockets
from antiphon_server.rooms.hub import Hub

_TICK_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
_DURABLE_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Metrics:
    """One server's registry; nothing is global, so that tests can run several servers in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.durable = Histogram(
            "antiphon_durable_seconds",
            "From queueing a change to its commit on disk",
            buckets=_DURABLE_BUCKETS,
            registry=self.registry,
        )
        self.tick = Histogram(
            "antiphon_tick_seconds",
            "Merging and sending what gathered in all rooms",
            buckets=_TICK_BUCKETS,
            registry=self.registry,
        )

    def page(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class GatewayCollector(Collector):
    """Reads the server's own counters at the moment of a scrape."""

    def __init__(
        self,
        traffic: Traffic,
        connections: Connections,
        sockets: Sockets,
        hub: Hub,
        held: Callable[[], tuple[int, int]],
        worker: Callable[[], Stats],
    ) -> None:
        self._traffic = traffic
        self._connections = connections
        self._sockets = sockets
        self._hub = hub
        self._held = held
        """Runs that the engine holds, and of them those that wait."""
        self._worker = worker

    def collect(self) -> Iterator[Metric]:
        """Current values, read when Prometheus asks."""
        traffic = self._traffic
        held, waiting = self._held()
        yield _gauge("connections", "Open WebSockets", len(self._connections))
        yield _gauge("sockets", "Open TCP connections", len(self._sockets))
        yield _counter("sockets_refused", "TCP connections that there was no room for", self._sockets.refused)
        yield _counter("sockets_evicted", "TCP connections that made room for others", self._sockets.evicted)
        yield _gauge("rooms", "Rooms in memory", len(self._hub.loaded()))
        yield _gauge("runs_held", "Runs that the engine holds", held)
        yield _gauge("runs_waiting", "Runs that wait for the engine", waiting)
        yield _gauge("backlog_bytes", "Waiting for slow clients", self._connections.backlog())
        yield _gauge("resident_memory_bytes", "Resident memory of the gateway", resident_bytes())
        yield _counter("received_messages", "Messages from clients", traffic.received)
        yield _counter("received_edits", "Document updates from clients", traffic.edits)
        yield _counter("delivered_frames", "Frames written to clients", traffic.frames)
        yield _counter("delivered_bytes", "Bytes written to clients", traffic.bytes)
        yield _counter("queued_frames", "Frames that waited for a slow client", traffic.queued)
        yield _counter("resyncs", "Connections closed because the client fell behind", traffic.resyncs)
        recounts = self._hub.recounts
        yield _counter(
            "recounted_changes", "Changes of a text that Yrs told otherwise than they were", recounts.changes
        )
        yield _counter("recounted_author_lists", "Author lists made anew from the log", recounts.lists)
        sound = self._hub.sound
        yield _counter("band_frames", "Audio frames of bands that went to their rooms", sound.frames)
        yield _counter("band_gaps", "Audio frames that would have come too late", sound.gaps)
        yield _counter(
            "band_stale_frames", "Audio frames that a change of the transport took back", sound.stale
        )
        yield _counter("band_late_frames", "Audio frames that left their engine after their time", sound.late)
        yield _counter("band_late_seconds", "By how much, in all", sound.late_seconds)
        worker = self._worker()
        yield _counter("engine_busy_seconds", "The worker's time inside its engines", worker.busy_seconds)
        yield _counter(
            "engine_overhead_seconds", "The worker's time around its engines", worker.overhead_seconds
        )
        yield _counter(
            "engine_busy_cpu_seconds",
            "CPU time of the worker's loop inside its engines",
            worker.busy_cpu_seconds,
        )
        yield _counter(
            "engine_overhead_cpu_seconds",
            "CPU time of the worker's loop around its engines",
            worker.overhead_cpu_seconds,
        )
        yield _counter("engine_steps", "Units of work of the engines", worker.steps)
        yield _counter("engine_advanced_runs", "Runs that they advanced, summed over units", worker.units)
        yield _counter("engine_tokens", "Tokens written", worker.tokens)
        yield _counter("engine_denoising_steps", "Denoising steps taken", worker.painted)
        yield _counter("engine_audio_frames", "Audio frames played", worker.played)
        dropped = CounterMetricFamily(
            "antiphon_dropped_frames", "Frames replaced or dropped for a slow client", labels=["lane"]
        )
        for lane, count in traffic.dropped.items():
            dropped.add_metric([lane.name.lower()], count)
        yield dropped


def resident_bytes() -> int:
    """Resident memory of this process now (where /proc tells), else its peak."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"antiphon_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"antiphon_{name}", text, value=value)
