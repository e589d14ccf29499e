"""Running networks, whatever they call their tensors and however many rows they take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from frontdesk.catalog.onnx import OnnxSession
from frontdesk.errors import DeclarationError
from support.networks import FLOAT16, INT64, linear, network, node, tensor

SWAP = [[0, 1], [1, 0]]


def test_it_runs_all_rows_of_a_batch(tmp_path: Path) -> None:
    session = OnnxSession(linear(tmp_path / "a.onnx", SWAP))
    assert session.run([[1, 2], [3, 4]]).tolist() == [[2, 1], [4, 3]]


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_it_takes_any_number_of_rows_for_a_network_of_fixed_batch(tmp_path: Path, batch: int) -> None:
    session = OnnxSession(linear(tmp_path / "a.onnx", SWAP, batch=batch))
    for count in (1, 2, 3, 5):
        rows = np.arange(2 * count, dtype=np.float32).reshape(count, 2)
        assert session.run(rows).tolist() == rows[:, ::-1].tolist()


def test_it_notices_a_network_that_only_claims_to_take_many_rows(tmp_path: Path) -> None:
    path = network(
        tmp_path / "a.onnx",
        [tensor("x", ["rows", 2])],
        [node("Reshape", "x one", "flat"), node("MatMul", "flat w", "y")],
        [tensor("y", ["rows", 2])],
        {"one": np.array([1, 2], np.int64), "w": np.array(SWAP, np.float32)},
    )
    session = OnnxSession(path)
    for _ in range(2):
        assert session.run([[1, 2], [3, 4], [5, 6]]).tolist() == [[2, 1], [4, 3], [6, 5]]


def test_it_notices_a_network_that_answers_once_for_a_whole_batch(tmp_path: Path) -> None:
    path = network(
        tmp_path / "a.onnx",
        [tensor("x", ["rows", 2])],
        [node("ReduceMax", "x", "y", keepdims=1)],
        [tensor("y", [1, 1])],
    )
    assert OnnxSession(path).run([[1, 2], [9, 4]]).tolist() == [[2], [9]]


def test_it_casts_to_what_the_network_takes(tmp_path: Path) -> None:
    path = network(
        tmp_path / "a.onnx",
        [tensor("x", ["rows", 2], FLOAT16)],
        [node("Identity", "x", "y")],
        [tensor("y", ["rows", 2], FLOAT16)],
    )
    answer = OnnxSession(path).run(np.array([[1, 2]], np.float64))
    assert answer.dtype == np.float16


def test_what_belongs_to_no_row_is_given_to_each(tmp_path: Path) -> None:
    path = network(
        tmp_path / "a.onnx",
        [tensor("x", [1, 2]), tensor("factor", [])],
        [node("Mul", "x factor", "y")],
        [tensor("y", [1, 2])],
    )
    answers = OnnxSession(path).run_all({"x": [[1, 2], [3, 4]], "factor": 10})
    assert answers["y"].tolist() == [[10, 20], [30, 40]]


def test_it_keeps_the_reason_when_a_single_row_fails(tmp_path: Path) -> None:
    path = network(
        tmp_path / "a.onnx",
        [tensor("x", ["rows"], INT64)],
        [node("Gather", "table x", "y")],
        [tensor("y", ["rows"])],
        {"table": np.arange(3, dtype=np.float32)},
    )
    session = OnnxSession(path)
    with pytest.raises(Exception, match="out of data bounds"):
        session.run([7])
    assert session.run([2, 1]).tolist() == [2, 1]


def test_it_says_which_file_is_missing_and_which_is_no_network(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no\.onnx"):
        OnnxSession(tmp_path / "no.onnx")
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"not a network")
    with pytest.raises(DeclarationError, match=r"bad\.onnx"):
        OnnxSession(bad)


def test_it_refuses_no_rows_at_all(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no rows"):
        OnnxSession(linear(tmp_path / "a.onnx", SWAP)).run(np.zeros((0, 2)))


@pytest.mark.parametrize("name", ["shufflenet-v2-12-qdq", "mobilenetv2-12-int8", "squeezenet1.1_fp16"])
def test_a_batch_answers_as_its_rows_alone_do(test_data: Path, name: str) -> None:
    session = OnnxSession(test_data / "models" / f"{name}.onnx")
    rows = np.random.default_rng(0).normal(0, 1, (3, 3, 224, 224)).astype(np.float32)
    together = session.run(rows).reshape(3, -1)
    alone = np.concatenate([session.run(rows[n : n + 1]).reshape(1, -1) for n in range(3)])
    np.testing.assert_allclose(together, alone, atol=1e-2)
