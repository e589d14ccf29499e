"""Counts of what this server does, for Prometheus.

Each web process counts in plain dictionaries, which costs next to nothing, and notes them in a
file now and then. Whichever process is asked adds up its own counts and the notes of the others; so
several web processes look like one server, at most a second late. A process that is started again under
the same name goes on counting from its note, so no count ever falls.
"""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

Labels = tuple[str, ...]


class Timings(msgspec.Struct):
    """How many took how long: one count for each bucket and one for all that are longer."""

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    total_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one that took `seconds`."""
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.total_s += seconds

    def merge(self, other: Timings) -> None:
        """Count all that `other` counted."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.total_s += other.total_s

    def cumulative(self) -> Iterator[tuple[str, int]]:
        """Prometheus's buckets: how many took at most so long."""
        so_far = 0
        for limit, count in zip((*map(str, BUCKETS_S), "+Inf"), self.counts, strict=True):
            so_far += count
            yield limit, so_far


class Counts(msgspec.Struct):
    """Everything one process has counted. Keys are label values."""

    requests: dict[Labels, Timings] = {}
    answers: dict[Labels, Timings] = {}
    failures: dict[Labels, int] = {}

    def merge(self, other: Counts) -> None:
        """Add what another process has counted."""
        for mine, theirs in ((self.requests, other.requests), (self.answers, other.answers)):
            for labels, timings in theirs.items():
                mine.setdefault(labels, Timings()).merge(timings)
        for labels, count in other.failures.items():
            self.failures[labels] = self.failures.get(labels, 0) + count


class Metrics:
    """The counts of this process, and where those of its siblings lie."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._note = folder, folder / f"{name}.counts"
        folder.mkdir(parents=True, exist_ok=True)
        self._counts = _read(self._note) or Counts()
        self._changed = False

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._changed = True
        labels = (method, route, str(status))
        timings = self._counts.requests.get(labels)
        if timings is None:
            timings = self._counts.requests[labels] = Timings()
        timings.add(seconds)

    def answered(self, task: str, model: str, seconds: float) -> None:
        """Count a model's answer and the time its own code took."""
        timings = self._counts.answers.get((task, model))
        if timings is None:
            timings = self._counts.answers[task, model] = Timings()
        timings.add(seconds)

    def failed(self, task: str, model: str, error: Exception) -> None:
        """Count a call that was not answered."""
        labels = (task, model, type(error).__name__)
        self._counts.failures[labels] = self._counts.failures.get(labels, 0) + 1

    def snapshot(self) -> bytes | None:
        """What has been counted, to be `keep`-ed in a thread; None when nothing is new."""
        if not self._changed:
            return None
        self._changed = False
        return msgspec.msgpack.encode(self._counts)

    def keep(self, snapshot: bytes) -> None:
        """Note it for the siblings."""
        draft = self._note.with_suffix(".draft")
        draft.write_bytes(snapshot)
        draft.replace(self._note)

    def of_all_processes(self) -> Counts:
        """What all web processes of this server have counted."""
        together = Counts({}, {}, {})
        together.merge(self._counts)
        for note in self._folder.glob("*.counts"):
            if note != self._note and (counts := _read(note)):
                together.merge(counts)
        return together


def _read(note: Path) -> Counts | None:
    # A note of another release, or half a note after a power cut, is no reason to stop.
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.msgpack.decode(note.read_bytes(), type=Counts)
    return None


class Gauge(msgspec.Struct, frozen=True):
    """A figure that goes up and down, read when it is asked for."""

    name: str
    help: str
    label_names: Labels
    values: Iterable[tuple[Labels, float]]


def exposition(counts: Counts, gauges: Iterable[Gauge], accept: str) -> tuple[bytes, str]:
    """The text that Prometheus reads, and its media type."""
    # Only here, because most processes are never asked.
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.metrics_core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        Metric,
    )
    from prometheus_client.registry import Collector

    def timings(name: str, text: str, label_names: Labels, table: dict[Labels, Timings]) -> Metric:
        family = HistogramMetricFamily(name, text, labels=label_names)
        for labels, timing in table.items():
            family.add_metric(labels, list(timing.cumulative()), timing.total_s)
        return family

    class Everything(Collector):
        def collect(self) -> Iterator[Metric]:
            yield timings(
                "frontdesk_http_request_seconds", "Requests and how long they took.",
                ("method", "route", "status"), counts.requests,
            )  # fmt: skip
            yield timings(
                "frontdesk_model_seconds", "Synchronous answers and how long the model's own code took.",
                ("task", "model"), counts.answers,
            )  # fmt: skip
            failures = CounterMetricFamily(
                "frontdesk_failed_calls",
                "Synchronous calls that no model answered.",
                labels=("task", "model", "error"),
            )
            for labels, count in counts.failures.items():
                failures.add_metric(labels, count)
            yield failures
            for gauge in gauges:
                family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.label_names)
                for labels, value in gauge.values:
                    family.add_metric(labels, value)
                yield family

    registry = CollectorRegistry()
    registry.register(Everything())
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type
