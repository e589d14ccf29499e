"""Logs end somewhere."""

from __future__ import annotations

from pathlib import Path

from frontdesk.host.logs import HostLog


def test_it_keeps_the_end_within_its_limit(tmp_path: Path) -> None:
    log = HostLog(tmp_path, "flowers", "mlp", limit_bytes=1000)
    for n in range(1000):
        log.write(f"line {n:05}\n".encode())
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 2000
    assert log.tail(22) == "line 00998\nline 00999\n"
    assert len(log.tail(1050)) == 1050  # reaches back into the file before
    log.close()


def test_one_huge_piece_cannot_pass_the_limit_by_much(tmp_path: Path) -> None:
    log = HostLog(tmp_path, "flowers", "mlp", limit_bytes=1000)
    log.write(b"x" * 5000 + b"end")
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 2000
    assert log.tail(4) == "xend"
    log.close()


def test_it_goes_on_where_an_earlier_supervisor_ended(tmp_path: Path) -> None:
    for text, so_far in ((b"first\n", "first\n"), (b"second\n", "first\nsecond\n")):
        log = HostLog(tmp_path, "flowers", "mlp")
        log.write(text)
        assert log.tail(100) == so_far
        log.close()


def test_its_own_notes_stand_on_lines_of_their_own(tmp_path: Path) -> None:
    log = HostLog(tmp_path, "a/b", "c d")
    log.write(b"no line end")
    log.note("ready")
    assert log.tail(100).splitlines()[0] == "no line end"
    assert log.tail(100).splitlines()[1].endswith("] ready")
    log.close()
    assert [file.name for file in tmp_path.iterdir()] == ["a%2Fb.c%20d.log"]


def test_bytes_that_are_no_text_are_shown_as_such(tmp_path: Path) -> None:
    log = HostLog(tmp_path, "flowers", "mlp")
    log.write(b"\xff\xfe caf\xc3\xa9")
    assert log.tail(100).endswith(" café")
    log.close()


def test_a_full_disk_loses_lines_and_ends_no_model(tmp_path: Path) -> None:
    (tmp_path / "flowers.mlp.log").symlink_to("/dev/full")
    log = HostLog(tmp_path, "flowers", "mlp")
    log.write(b"lost\n")
    log.note("lost as well")
    log.close()
