"""The engine `ray` where there is no cluster: what crosses its sockets, and how it waits."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from frontdesk.declare.resources import Resources
from frontdesk.errors import (
    Fault,
    FrontdeskError,
    HostCrashed,
    HostUnreachable,
    InvalidInput,
    NoAnswer,
    Overloaded,
    SettingsError,
)
from frontdesk.run.cluster.address import check_address
from frontdesk.run.cluster.line import ClusterLine
from frontdesk.run.cluster.messages import CarrierSpec, error_of, refusal_of
from frontdesk.run.cluster.pieces import PIECE, read_pieces, rows_in
from support.servers.process import free_port


def pieces(path: Path, answered: int, total: int) -> list[bytes]:
    return [table.column(PIECE)[0].as_py() for table in read_pieces(str(path), answered, total)]


@pytest.mark.parametrize(
    "error",
    [
        HostCrashed("It died."),
        Overloaded("Too many.", 2.5),
        NoAnswer("Away.", 3.0),
        InvalidInput.of([Fault("/inputs/x", "Too large."), Fault("/inputs/y", "Too small.")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_arrive_as_they_left(error: FrontdeskError) -> None:
    refusal = msgspec.msgpack.decode(
        msgspec.msgpack.encode(refusal_of(7, error)), type=type(refusal_of(7, error))
    )
    arrived = error_of(refusal)
    assert (type(arrived), str(arrived), vars(arrived)) == (type(error), str(error), vars(error))


def test_a_file_travels_in_pieces_with_what_is_wrong_with_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "".join(f"{n},x\n" for n in range(99)) + "1,2,3\n")
    rows = [rows_in(piece) for piece in pieces(path, 40, 100)]
    assert [row.batch.num_rows for row in rows] == [16, 16, 16, 12]
    assert rows[0].batch.column(0)[0].as_py() in (40, "40")
    assert [list(row.faults) for row in rows] == [[], [], [], [11]]


def test_a_long_file_has_at_least_64_pieces(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a\n" + "1\n" * 10_000)
    assert 64 <= len(pieces(path, 0, 10_000)) <= 80


@pytest.mark.parametrize("address", ["", "host", "host:", ":6379", "host:port", "host:0", "host:70000"])
def test_an_address_without_host_or_port_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="HOST:PORT"):
        check_address(address)


def test_what_is_declared_reads_well() -> None:
    assert Resources(cpus=0.5, gpus=2, memory_mb=100).told == "0.5 CPU, 2 GPU, 100 MB of memory"


@pytest.mark.timeout(60)
def test_orders_are_refused_and_there_is_no_room_while_nothing_answers(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    address = f"127.0.0.1:{free_port()}"
    spec = CarrierSpec(address=address, socket=str(tmp_path / "c.sock"), actors=1, wait_s=1, silence_s=9)

    async def run() -> str:
        line = ClusterLine(spec)
        line.start()
        try:
            async with asyncio.timeout(50):
                while "nothing answers" not in line.reason:  # noqa: ASYNC110  it is another process's word
                    await asyncio.sleep(0.05)
            with pytest.raises(HostUnreachable, match="cannot be reached"):
                await line.order("warm", b"")
            return line.reason
        finally:
            await line.close()

    assert address in asyncio.run(run())


def test_workers_of_other_engines_load_nothing_of_ray() -> None:
    program = "import sys, frontdesk.crew; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
