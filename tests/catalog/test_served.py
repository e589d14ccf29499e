"""An ONNX file, answered by a real host."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec

from support.hosts import House
from support.networks import linear, network, node, tensor


def answers(folder: Path, source: Path, questions: list[dict[str, Any]]) -> list[Any]:
    """What a host of this source answers to all of them at once."""

    async def ask() -> list[Any]:
        async with House(folder, str(source)) as house:
            (task,) = house.cards
            calls = [house.answer(task, **question) for question in questions]
            return [msgspec.json.decode(answer.outputs)["answer"] for answer in await asyncio.gather(*calls)]

    return asyncio.run(ask())


def test_rows_that_arrive_together_are_answered_as_they_would_be_alone(tmp_path: Path) -> None:
    metadata = {"labels": json.dumps(["low", "high"]), "features": "size"}
    path = linear(tmp_path / "grade.onnx", [[-1, 1]], batch=1, metadata=metadata)
    given = [{"size": float(size)} for size in range(-20, 20)]
    labels = [answer["label"] for answer in answers(tmp_path, path, given)]
    assert labels[:20] == ["low"] * 20
    assert labels[21:] == ["high"] * 19


def test_series_and_json(tmp_path: Path) -> None:
    path = network(
        tmp_path / "adding.onnx",
        [tensor("left", [1, 3]), tensor("right", [1, 3])],
        [node("Add", "left right", "sum")],
        [tensor("sum", [1, 3])],
    )
    assert answers(tmp_path, path, [{"left": [1, 2, 3], "right": [10, 20, 30]}]) == [[11, 22, 33]]


def test_a_real_photo(tmp_path: Path, test_data: Path) -> None:
    photo = (test_data / "images" / "n01531178_goldfinch.JPEG").read_bytes()
    (answer,) = answers(tmp_path, test_data / "models" / "shufflenet-v2-12-qdq.onnx", [{"image": photo}])
    assert (answer["label"], len(answer["scores"])) == ("class 11", 1000)
    assert answer["scores"][0]["score"] > 0.9
