"""In the carrier: files as streams of Ray Data, and what the worker takes from them piece by piece."""

from __future__ import annotations

import functools
import threading
from collections.abc import Generator
from typing import Any

import ray
from ray.data import ActorPoolStrategy, DataContext, Datasource, ReadTask
from ray.data.block import BlockMetadata
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from frontdesk.run.cluster.actors import PORTIONS, PieceAnswerer
from frontdesk.run.cluster.connection import nodes_now
from frontdesk.run.cluster.messages import StreamOrder, encode
from frontdesk.run.cluster.pieces import read_pieces
from frontdesk.run.cluster.pool import body_of, fits, options


def prepare() -> None:
    """Have Ray Data keep the order and show nothing."""
    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # A piece is a block, and never two: what travels alone is also lost alone.
    context.target_max_block_size = 1


class Stream:
    """A file that is being answered. The file is read on this machine; its pieces go wherever there is room."""

    def __init__(self, order: StreamOrder, most_actors: int) -> None:
        # One place is left, where there are several, so that short jobs need not wait for the end of a long file.
        most_actors = max(1, min(most_actors, fits(nodes_now(), order.host.resources) - 1))
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        pieces = ray.data.read_datasource(
            _Sheet(order), override_num_blocks=1, concurrency=1,
            ray_remote_args={"num_cpus": 0, "scheduling_strategy": here},
        )  # fmt: skip
        answers = pieces.map(
            PieceAnswerer,
            fn_constructor_args=(encode(order),),
            compute=ActorPoolStrategy(
                min_size=1, initial_size=most_actors, max_size=most_actors, max_tasks_in_flight_per_actor=2
            ),
            scheduling_strategy="SPREAD",
            **options(order.host.resources),
        )
        self._batches = iter(
            answers.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=1)
        )
        self._portions = self._read()
        self._taking = threading.Lock()
        self._is_closed = False

    def next(self) -> bytes:
        """What came of the next piece, as encoded portions; nothing behind the last. Takes as long as it takes."""
        with self._taking:
            try:
                return b"" if self._is_closed else next(self._portions, b"")
            finally:
                if self._is_closed:
                    self._let_go()

    def close(self) -> None:
        """Have the cluster stop working on it; whoever waits for a piece just now does so when it comes."""
        self._is_closed = True
        if self._taking.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self._taking.release()

    def _let_go(self) -> None:
        self._portions.close()
        self._batches.close()

    def _read(self) -> Generator[bytes]:
        for table in self._batches:
            for reply in table.column(PORTIONS).to_pylist():
                yield body_of(reply)


class _Sheet(Datasource):
    """A spreadsheet, as Ray Data reads it: one task that gives piece after piece."""

    def __init__(self, order: StreamOrder) -> None:
        self._read = functools.partial(read_pieces, order.sheet, order.answered, order.total)

    def estimate_inmemory_data_size(self) -> int | None:
        return None

    def get_read_tasks(self, parallelism: int, *_: Any, **__: Any) -> list[Any]:
        return [ReadTask(self._read, BlockMetadata(None, None, None, None))]
