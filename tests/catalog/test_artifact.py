"""A file alone makes a task: what is asked and what is shown come from its tensors and its metadata."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from PIL import Image as Pictures

from frontdesk.catalog.artifact import model_of_onnx
from frontdesk.catalog.artifact_pictures import Recipe
from frontdesk.declare.kinds import Boolean, Drawing, Image, Integer, Number, Series, Text
from frontdesk.declare.model import Model, Version
from frontdesk.declare.outputs import Classification, Value, encode_outputs
from frontdesk.declare.reading import read_task_cards
from frontdesk.errors import DeclarationError, InvalidInput
from support.networks import BOOL, FLOAT16, INT64, STRING, UINT8, linear, maps, network, node, tensor

IRIS = {
    "features": json.dumps(
        [
            {"name": "sepal length", "ge": 0, "le": 10, "unit": "cm", "default": 5.8},
            {"name": "sepal width", "ge": 0, "le": 10, "unit": "cm"},
        ]
    ),
    "labels": '["setosa", "versicolor", "virginica"]',
    "title": "Iris by two measurements",
    "description": "Names the species.",
}
WEIGHTS = [[1, 0, -1], [0, 2, 0]]


def kinds(model: type[Model]) -> dict[str, Any]:
    """The kind of each argument of predict."""
    parameters = list(inspect.signature(model.predict).parameters.values())[1:]
    return {parameter.name: parameter.annotation.__metadata__[0] for parameter in parameters}


def loaded(path: Path) -> Any:
    declared = model_of_onnx(path)
    read_task_cards([declared], str(path), None)  # which refuses what an author may not declare
    model = declared()
    model.load(Version(1, path.parent, path.parent))
    return model


def one(path: Path, source: Any, target: Any, kind: str = "Identity", **rest: Any) -> Path:
    """A network of one node from one tensor to another."""
    return network(path, [source], [node(kind, source.name, target.name)], [target], **rest)


# ------------------------------------------------------------------------------- tables


def test_a_few_features_are_a_field_each(tmp_path: Path) -> None:
    model = model_of_onnx(linear(tmp_path / "iris-small.onnx", WEIGHTS, metadata=IRIS))
    assert (model.task, model.name, model.title) == ("iris-small", "iris-small", "Iris by two measurements")
    assert model.__doc__ == "Names the species."
    assert kinds(model) == {
        "sepal_length": Number(title="Sepal length", ge=0, le=10, unit="cm"),
        "sepal_width": Number(title="Sepal width", ge=0, le=10, unit="cm"),
    }
    parameters = inspect.signature(model.predict).parameters
    assert parameters["sepal_length"].default == 5.8
    assert parameters["sepal_width"].default is inspect.Parameter.empty
    assert get_type_hints(model.predict)["return"] is Classification


def test_features_without_names_are_numbered(tmp_path: Path) -> None:
    model = model_of_onnx(linear(tmp_path / "a.onnx", WEIGHTS))
    assert list(kinds(model)) == ["x_1", "x_2"]


def test_names_that_are_no_names_in_python_become_some(tmp_path: Path) -> None:
    metadata = {"features": "petal (cm),petal [cm],class,2nd"}
    model = model_of_onnx(linear(tmp_path / "1.onnx", np.eye(4)[:, :3], metadata=metadata))
    assert list(kinds(model)) == ["petal_cm", "petal_cm_2", "class_2", "x_2nd"]
    assert model.task == "1"


def test_scores_that_are_no_probabilities_go_through_softmax(tmp_path: Path) -> None:
    model = loaded(linear(tmp_path / "a.onnx", WEIGHTS, metadata=IRIS))
    answer = model.predict(sepal_length=1.0, sepal_width=1.0)
    expected = np.exp([1, 2, -1]) / np.exp([1, 2, -1]).sum()
    assert answer.labels == ["setosa", "versicolor", "virginica"]
    np.testing.assert_allclose(answer.scores, expected, rtol=1e-5)


@pytest.mark.parametrize(("activation", "total"), [("Softmax", 1.0), ("Sigmoid", None)])
def test_probabilities_are_left_as_they_are(tmp_path: Path, activation: str, total: float | None) -> None:
    model = loaded(linear(tmp_path / "a.onnx", np.array(WEIGHTS) / 10, activation=activation))
    scores = model.predict(x_1=1.0, x_2=1.0).scores
    if total is None:
        np.testing.assert_allclose(scores, 1 / (1 + np.exp([-0.1, -0.2, 0.1])), rtol=1e-5)
    else:
        assert sum(scores) == pytest.approx(total)


def test_the_file_may_say_that_its_scores_are_final(tmp_path: Path) -> None:
    model = loaded(linear(tmp_path / "a.onnx", WEIGHTS, metadata={"activation": "none"}))
    assert model.predict(x_1=1.0, x_2=1.0).scores == [1.0, 2.0, -1.0]


def test_the_file_may_say_that_its_numbers_are_no_scores(tmp_path: Path) -> None:
    model = loaded(linear(tmp_path / "a.onnx", WEIGHTS, metadata={"output": "values"}))
    assert model.predict(x_1=1.0, x_2=1.0) == [1.0, 2.0, -1.0]


def test_one_number_is_a_value_with_its_unit(tmp_path: Path) -> None:
    model = loaded(linear(tmp_path / "a.onnx", [[1], [2]], metadata={"unit": "EUR"}))
    assert model.predict(x_1=1.0, x_2=1.0) == Value(3.0, unit="EUR")


def test_a_batch_answers_as_its_rows_alone_do(tmp_path: Path) -> None:
    model = loaded(linear(tmp_path / "a.onnx", [[1], [2]], batch=1))
    together = model.predict_batch(x_1=[1.0, 2.0, 3.0], x_2=[0.0, 1.0, 2.0])
    assert [answer.value for answer in together] == [1.0, 4.0, 7.0]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (INT64, Integer(title="X")),
        (UINT8, Integer(title="X", ge=0, le=255)),
        (BOOL, Boolean(title="X")),
        (STRING, Text(title="X")),
    ],
)
def test_a_column_has_the_kind_of_its_tensor(tmp_path: Path, kind: int, expected: Any) -> None:
    path = one(tmp_path / "a.onnx", tensor("x", [None, 1], kind), tensor("y", [None, 1], kind))
    assert kinds(model_of_onnx(path)) == {"x": expected}


def test_text_goes_in_and_out(tmp_path: Path) -> None:
    path = one(tmp_path / "a.onnx", tensor("x", [None, 1], STRING), tensor("y", [None, 1], STRING))
    assert loaded(path).predict(x="grün") == "grün"


def test_an_input_for_each_column_is_a_field_each(tmp_path: Path) -> None:
    path = network(
        tmp_path / "a.onnx",
        [tensor("age", [None, 1]), tensor("income", [None, 1])],
        [node("Concat", "age income", "both", axis=1)],
        [tensor("both", [None, 2])],
    )
    model = loaded(path)
    assert list(kinds(type(model))) == ["age", "income"]
    assert len(model.predict(age=1.0, income=2.0).scores) == 2


# ---------------------------------------------------------------------- scikit-learn's form


def test_a_map_of_probabilities_is_a_classification(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    network(
        path,
        [tensor("x", [None, 2])],
        [
            node("Softmax", "x", "p"),
            node("ArgMax", "p", "best", axis=1, keepdims=0),
            node("ArrayFeatureExtractor", "names best", "label_row"),
            node("Reshape", "label_row flat", "output_label"),
            node("ZipMap", "p", "output_probability", classlabels_strings=["no", "yes"]),
        ],
        [tensor("output_label", [None], STRING), maps("output_probability")],
        {"names": np.array(["no", "yes"], object), "flat": np.array([-1], np.int64)},
    )
    model = loaded(path)
    assert get_type_hints(type(model).predict)["return"] is Classification
    for answer in model.predict_batch(x_1=[0.0, 0.0], x_2=[5.0, 5.0]):
        assert answer.labels == ["no", "yes"]
        assert answer.scores[1] > 0.99


def test_the_label_beside_the_scores_is_left_out_once_the_scores_have_names(tmp_path: Path) -> None:
    def path(name: str, metadata: dict[str, str]) -> Path:
        return network(
            tmp_path / name,
            [tensor("x", [None, 3])],
            [node("Softmax", "x", "probabilities"), node("ArgMax", "x", "label", axis=1, keepdims=0)],
            [tensor("label", [None], INT64), tensor("probabilities", [None, 3])],
            metadata=metadata,
        )

    named = loaded(path("named.onnx", {"labels": "a, b, c"}))
    assert named.predict(x_1=0.0, x_2=9.0, x_3=0.0).labels == ["a", "b", "c"]
    bare = loaded(path("bare.onnx", {}))
    answer = bare.predict(x_1=0.0, x_2=9.0, x_3=0.0)
    assert answer["label"] == Value(1)
    assert answer["probabilities"].labels == ["class 0", "class 1", "class 2"]


# ------------------------------------------------------------------------------- series


def test_many_numbers_are_a_series(tmp_path: Path) -> None:
    path = one(tmp_path / "a.onnx", tensor("signal", [None, 100]), tensor("y", [None, 100]), "Neg")
    model = loaded(path)
    assert kinds(type(model)) == {"signal": Series(title="Signal", min_length=100, max_length=100)}
    assert model.predict(signal=[1.0] * 100) == [-1.0] * 100


def test_a_series_may_have_any_length_where_the_file_leaves_it_open(tmp_path: Path) -> None:
    path = one(tmp_path / "a.onnx", tensor("tokens", [None, None], INT64), tensor("y", [None, None], INT64))
    model = loaded(path)
    assert model.predict_batch(tokens=[[1.0, 2.0], [3.0]]) == [[1, 2], [3]]
    with pytest.raises(InvalidInput, match="whole numbers"):
        model.predict(tokens=[1.5])


def test_a_tensor_of_more_dimensions_is_written_row_by_row(tmp_path: Path) -> None:
    path = one(tmp_path / "a.onnx", tensor("x", [None, None, 2, 5]), tensor("y", [None, None, 2, 5]))
    model = loaded(path)
    assert "any × 2 × 5" in (type(model).__doc__ or "")
    assert np.shape(model.predict(x=[0.0] * 20)) == (2, 2, 5)
    with pytest.raises(InvalidInput, match="multiple of 10"):
        model.predict(x=[0.0] * 15)


def test_several_tensors_are_asked_for_by_name(tmp_path: Path) -> None:
    path = network(
        tmp_path / "adding.onnx",
        [tensor("left", [1, 3]), tensor("right", [1, 3])],
        [node("Add", "left right", "sum"), node("Sub", "left right", "difference")],
        [tensor("sum", [1, 3]), tensor("difference", [1, 3])],
    )
    model = loaded(path)
    assert model.predict(left=[1, 2, 3], right=[10, 20, 30]) == {
        "sum": [11, 22, 33],
        "difference": [-9, -18, -27],
    }


def test_answers_of_every_kind_can_be_sent(tmp_path: Path) -> None:
    path = network(
        tmp_path / "a.onnx",
        [tensor("x", [None, 3])],
        [
            node("Softmax", "x", "probabilities"),
            node("ReduceSum", "x axis", "total", keepdims=1),
            node("ArgMax", "x", "best", axis=1, keepdims=0),
            node("Neg", "x", "negative"),
        ],
        [
            tensor("probabilities", [None, 3]),
            tensor("total", [None, 1]),
            tensor("best", [None], INT64),
            tensor("negative", [None, 3]),
        ],
        {"axis": np.array([1], np.int64)},
    )
    model = loaded(path)
    (card,) = read_task_cards([type(model)], str(path), None)
    sent = json.loads(encode_outputs(card.signature.outputs, model.predict(x_1=0.0, x_2=2.0, x_3=1.0)))
    assert sent["probabilities"]["label"] == "class 1"
    assert (sent["total"], sent["best"]) == ({"value": 3.0}, {"value": 1})
    assert sent["negative"] == [0, -2, -1]


def test_a_network_without_rows_is_asked_for_its_one_value(tmp_path: Path) -> None:
    path = one(tmp_path / "a.onnx", tensor("x", [3]), tensor("y", [3]), "Neg")
    model = loaded(path)
    assert model.predict_batch(x_1=[1.0, 4.0], x_2=[2.0, 5.0], x_3=[3.0, 6.0]) == [[-1, -2, -3], [-4, -5, -6]]


# ----------------------------------------------------------------------------- pictures


def picture(tmp_path: Path, shape: list[Any], kind: int = 1, **metadata: str) -> Any:
    """A network that gives back the tensor it was given."""
    path = one(
        tmp_path / "a.onnx", tensor("x", shape, kind), tensor("y", shape, kind), metadata=dict(metadata)
    )
    return loaded(path)


RED = Pictures.new("RGB", (40, 20), (255, 0, 0))


def test_a_picture_is_scaled_as_networks_of_its_layout_mostly_are(tmp_path: Path) -> None:
    channels_first = np.array(picture(tmp_path, [1, 3, 8, 8]).predict(image=RED))
    np.testing.assert_allclose(channels_first[:, 0, 0], [2.2489, -2.0357, -1.8044], atol=1e-3)
    channels_last = np.array(picture(tmp_path, ["n", 8, 8, 3]).predict(image=RED))
    np.testing.assert_allclose(channels_last[0, 0], [1, -1, -1])


def test_the_file_says_how_its_pictures_are_scaled(tmp_path: Path) -> None:
    model = picture(
        tmp_path, [1, 3, 8, 8], channels="BGR", divisor="1", mean="[10, 20, 30]", std="2", resize="whole"
    )
    answer = np.array(model.predict(image=RED))
    np.testing.assert_allclose(answer[:, 0, 0], [-5, -10, 112.5])
    assert kinds(type(model))["image"].help == (
        "The picture is resized to 8 × 8, in BGR, as 0 to 255, minus (10, 20, 30), divided by 2."
    )


def test_the_standard_keys_of_pictures_are_honoured(tmp_path: Path) -> None:
    standard = {"Image.BitmapPixelFormat": "Bgr8", "Image.NominalPixelRange": "NominalRange_0_255"}
    answer = np.array(picture(tmp_path, [1, 3, 8, 8], **standard).predict(image=RED))
    np.testing.assert_allclose(answer[:, 0, 0], [0, 0, 255])


def test_a_picture_of_integers_stays_as_it_is(tmp_path: Path) -> None:
    answer = np.array(picture(tmp_path, [1, 8, 8, 3], UINT8).predict(image=RED))
    assert answer[0, 0].tolist() == [255, 0, 0]


def test_a_picture_may_be_of_any_size_and_of_half_precision(tmp_path: Path) -> None:
    model = picture(tmp_path, ["n", 3, None, None], FLOAT16, size="16")
    assert np.shape(model.predict_batch(image=[RED, RED])) == (2, 3, 16, 16)


@pytest.mark.parametrize("shape", [[1, 1, 28, 28], [None, 28, 28, 1], [None, 28, 28]])
def test_a_small_grey_square_is_drawn(tmp_path: Path, shape: list[Any]) -> None:
    model = picture(tmp_path, shape)
    assert isinstance(kinds(type(model))["drawing"], Drawing)
    canvas = np.zeros((28, 28), np.uint8)
    canvas[3, 4] = 255
    answer = np.reshape(model.predict(drawing=canvas), (28, 28))
    assert answer.max() == answer[3, 4] == 1.0


def test_a_larger_grey_picture_is_uploaded(tmp_path: Path) -> None:
    assert kinds(type(picture(tmp_path, [1, 1, 64, 64])))["image"] == Image(
        mode="L", help="The picture is resized to 64 × 64, in grey, divided by 255."
    )


# ------------------------------------------------------------------- labels and refusals


@pytest.mark.parametrize(
    "metadata",
    [
        {"labels": "a,b,c"},
        {"labels": "a\nb\nc\n"},
        {"classes": '["a", "b", "c"]'},
        {"names": "{0: 'a', 1: 'b', 2: 'c'}"},
        {"id2label": '{"0": "a", "2": "c", "1": "b"}'},
    ],
)
def test_labels_are_found_however_they_are_written(tmp_path: Path, metadata: dict[str, str]) -> None:
    model = loaded(linear(tmp_path / "a.onnx", WEIGHTS, metadata=metadata))
    assert model.predict(x_1=1.0, x_2=1.0).labels == ["a", "b", "c"]


def test_labels_may_lie_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.labels.txt").write_text("a\nb\nc\n")
    assert loaded(linear(tmp_path / "a.onnx", WEIGHTS)).predict(x_1=1.0, x_2=1.0).labels == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("metadata", "fault"),
    [
        ({"labels": "a,b"}, "names 2 classes where the network has 3"),
        ({"id2label": '{"1": "a"}'}, "from 0 on"),
        ({"features": "a,b,c"}, "names 3 columns where the network takes 2"),
        ({"features": '[{"title": "x"}]'}, "name"),
        ({"activation": "tanh"}, "none of softmax, none"),
        ({"threads": "many"}, "not a list of numbers"),
    ],
)
def test_metadata_that_cannot_be_right_is_refused(
    tmp_path: Path, metadata: dict[str, str], fault: str
) -> None:
    with pytest.raises(DeclarationError, match=fault) as caught:
        model_of_onnx(linear(tmp_path / "a.onnx", WEIGHTS, metadata=metadata))
    assert caught.value.file == str(tmp_path / "a.onnx")


def test_what_no_form_can_ask_for_is_refused_with_a_way_out(tmp_path: Path) -> None:
    path = one(tmp_path / "a.onnx", tensor("x", [None, None, None, 9]), tensor("y", [None, None, None, 9]))
    with pytest.raises(DeclarationError, match=r"2 dimensions of unknown length.*OnnxSession"):
        model_of_onnx(path)


# --------------------------------------------------------------------------- real files


@pytest.mark.parametrize("name", ["mobilenetv2-12-int8", "shufflenet-v2-12-qdq", "mobilenet_v1_0.25_224"])
def test_real_networks_know_real_photos(test_data: Path, name: str) -> None:
    model = loaded(test_data / "models" / f"{name}.onnx")
    labels = (test_data / "labels" / "synset.txt").read_text().splitlines()
    photos = ["n01531178_goldfinch", "n01443537_goldfish"]
    pictures = [Pictures.open(test_data / "images" / f"{photo}.JPEG").convert("RGB") for photo in photos]
    answers = model.predict_batch(image=pictures)
    assert [labels[int(np.argmax(answer.scores))].split()[0] for answer in answers] == [
        photo.split("_")[0] for photo in photos
    ]
    assert all(sum(answer.scores) == pytest.approx(1, abs=1e-3) for answer in answers)


def test_a_real_network_reads_real_digits(test_data: Path) -> None:
    model = loaded(test_data / "models" / "mnist-8.onnx")
    with np.load(test_data / "mnist" / "mnist.npz") as digits:
        drawings, truth = digits["x_test"][:200], digits["y_test"][:200]
    answers = model.predict_batch(drawing=list(drawings))
    right = [int(np.argmax(answer.scores)) == digit for answer, digit in zip(answers, truth, strict=True)]
    assert np.mean(right) > 0.97


def test_only_the_middle_of_a_long_picture_is_resized() -> None:
    recipe = Recipe(
        width=8, height=8, channels="RGB", axes="HWC", crops=True, divisor=1.0, mean=(0.0,), std=(1.0,)
    )
    long = Pictures.new("RGB", (5_000_000, 1))
    long.putpixel((2_500_000, 0), (255, 255, 255))
    values = recipe.tensor(long)
    assert values.shape == (8, 8, 3)
    assert values.max() > 0
