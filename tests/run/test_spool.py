"""The spool: what was appended is there, whoever dies, and no half of anything is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from frontdesk.desk.training import Points
from frontdesk.run.spool import SEGMENT_BYTES, SpoolReader, SpoolWriter

ENDLESS = """
import os, sys
from pathlib import Path
from frontdesk.run.spool import SpoolWriter

writer = SpoolWriter(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    writer.append({"step": number, "loss": number / 2})
    os.write(1, b"%d\\n" % number)
"""


def steps(told: tuple[Points, ...]) -> list[float | None]:
    return [row[1] for points in told for row in points.rows]


def test_what_one_end_appends_the_other_reads_once(tmp_path: Path) -> None:
    writer, reader = SpoolWriter(tmp_path), SpoolReader(tmp_path)
    assert reader.read() == ()
    before = time.time()
    writer.append({"step": 1, "loss": 0.5})
    writer.append({"step": 2, "loss": float("nan")})
    writer.append({"val_loss": "0.25"})
    steps_told, other = reader.read()
    assert (steps_told.names, [row[1:] for row in steps_told.rows]) == (
        ("step", "loss"),
        [[1, 0.5], [2, None]],
    )
    assert (other.names, [row[1:] for row in other.rows]) == (("val_loss",), [[0.25]])
    assert before <= steps_told.rows[0][0] <= other.rows[0][0] <= time.time()
    assert reader.read() == ()
    writer.append({"step": 3, "loss": 0.25})
    assert SpoolReader(tmp_path, reader.position).read() == reader.read() != ()


def test_it_goes_on_over_many_segments_and_lets_go_of_what_is_written_down(tmp_path: Path) -> None:
    writer, reader, read = SpoolWriter(tmp_path), SpoolReader(tmp_path), []
    total = 3 * SEGMENT_BYTES // 40
    for number in range(total):
        writer.append({"step": number, "loss": 1.0})
        if number % 10_007 == 0:
            read += steps(reader.read(4))
            reader.forget(reader.position)
            reader = SpoolReader(tmp_path, reader.position)
    read += steps(reader.read(4))
    assert read == list(range(total))
    reader.forget(reader.position)
    assert len(list(tmp_path.iterdir())) == 1


def test_who_appends_faster_than_anybody_reads_is_held_up(tmp_path: Path) -> None:
    writer, reader = SpoolWriter(tmp_path), SpoolReader(tmp_path)
    total, read = 12 * SEGMENT_BYTES // 40, 0

    def append() -> None:
        for number in range(total):
            writer.append({"step": number, "loss": 1.0})

    appending = threading.Thread(target=append, daemon=True)
    appending.start()
    appending.join(timeout=3)
    assert len(list(tmp_path.iterdir())) <= 9
    while read < total:
        read += len(steps(reader.read()))
        reader.forget(reader.position)
    appending.join(timeout=5)
    assert not appending.is_alive()


def test_what_was_appended_survives_the_end_of_its_process(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ENDLESS, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = b"".join(process.stdout.readline() for _ in range(500))
        os.kill(process.pid, signal.SIGKILL)
        last = int((said + process.stdout.read()).split(b"\n")[-2])
    read = steps(SpoolReader(tmp_path).read(20))
    assert read == list(range(1, len(read) + 1))
    assert len(read) in (last, last + 1)


def test_a_lost_segment_does_not_hide_those_after_it(tmp_path: Path) -> None:
    writer, reader = SpoolWriter(tmp_path), SpoolReader(tmp_path)
    for number in range(SEGMENT_BYTES // 40 + 10):
        writer.append({"step": number, "loss": 1.0})
    (tmp_path / "000000.points").unlink()
    assert steps(reader.read(2))[-1] == SEGMENT_BYTES // 40 + 9


def test_half_a_point_is_none_until_it_is_whole(tmp_path: Path) -> None:
    writer, reader = SpoolWriter(tmp_path), SpoolReader(tmp_path)
    writer.append({"step": 1, "loss": 0.5})
    end = reader.read() and reader.position
    writer.append({"step": 2, "loss": 0.25})
    (segment,) = tmp_path.iterdir()
    whole = segment.read_bytes()
    for stored in range(8, 40, 8):  # as if it had been killed after that many bytes
        segment.write_bytes(whole[: end + stored].ljust(SEGMENT_BYTES, b"\0"))
        assert (reader.read(), reader.position) == ((), end)
    segment.write_bytes(whole)
    assert steps(reader.read()) == [2]


def test_nonsense_is_refused_and_leaves_no_trace(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    writer.append({"loss": 1})
    with pytest.raises(ValueError, match="could not convert"):
        writer.append({"loss": "low"})
    with pytest.raises(TypeError):
        writer.append({"loss": None})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="1000 figures at most"):
        writer.append({f"figure{number}": 1.0 for number in range(1001)})
    writer.append({"loss": 3})
    assert steps(SpoolReader(tmp_path).read()) == [1, 3]


def test_a_forked_process_cannot_write_between_the_records(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    writer.append({"loss": 1})
    if (child := os.fork()) == 0:
        try:
            writer.append({"loss": 2})
        except RuntimeError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    writer.append({"loss": 3})
    assert steps(SpoolReader(tmp_path).read()) == [1, 3]
