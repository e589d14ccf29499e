"""From annotations to task cards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from frontdesk.declare.kinds import (
    Boolean,
    Choice,
    Drawing,
    Field,
    File,
    Image,
    Integer,
    Number,
    Series,
    Table,
    Text,
)
from frontdesk.declare.outputs import (
    ClassificationOut,
    ImageOut,
    JsonOut,
    Output,
    TableOut,
    TextOut,
    ValueOut,
)
from frontdesk.declare.signature import TaskCard
from support.declaring import cards_of, classes_of


def field_of(parameter: str, folder: Path, before: str = "") -> Field:
    (card,) = cards_of(f"{before}\n@fd.task\ndef f({parameter}) -> str: ...", folder)
    (field,) = card.signature.inputs
    return field


def outputs_of(annotation: str, folder: Path, before: str = "") -> tuple[Output, ...]:
    (card,) = cards_of(f"{before}\n@fd.task\ndef f() -> {annotation}: ...", folder)
    return card.signature.outputs


@pytest.mark.parametrize(
    ("parameter", "kind"),
    [
        ("x: float", Number(title="X")),
        ("x: Annotated[float, fd.Number(ge=0, le=10, unit='cm')]", Number(title="X", ge=0, le=10, unit="cm")),
        ("x: Annotated[float, fd.Number(title='Length', help='In all.')]", Number(title="Length", help="In all.")),
        ("x: Annotated[float, 'a note of somebody else', fd.Number(gt=0)]", Number(title="X", gt=0)),
        ("x: int", Integer(title="X")),
        ("x: Annotated[int, fd.Integer(ge=1)]", Integer(title="X", ge=1)),
        ("x: bool", Boolean(title="X")),
        ("x: str", Text(title="X")),
        ("x: Annotated[str, fd.Text(lines=3)]", Text(title="X", lines=3)),
        ("x: Literal['a', 'b']", Choice(title="X", options=("a", "b"))),
        ("x: Annotated[Literal['a'], fd.Choice(help='Pick.')]", Choice(title="X", help="Pick.", options=("a",))),
        ("x: Annotated[str, fd.Choice(options=('a',))]", Choice(title="X", options=("a",))),
        ("x: bytes", File(title="X")),
        ("x: Annotated[bytes, fd.File(accept=('.wav',))]", File(title="X", accept=(".wav",))),
        ("x: Image.Image", Image(title="X")),
        ("x: Annotated[PIL.Image.Image, fd.Image(mode='L')]", Image(title="X", mode="L")),
        ("x: Annotated[Any, fd.Image()]", Image(title="X")),
        ("x: Annotated[numpy.ndarray, fd.Drawing(width=8)]", Drawing(title="X", width=8)),
        ("x: Annotated[numpy.typing.NDArray[numpy.uint8], fd.Drawing()]", Drawing(title="X")),
        ("x: list[float]", Series(title="X")),
        ("x: Annotated[list[float], fd.Series(unit='V')]", Series(title="X", unit="V")),
        ("x: list[dict]", Table(title="X")),
        ("x: list[dict[str, float]]", Table(title="X")),
        ("x: Annotated[list[dict], fd.Table(columns={'a': fd.Number()})]", Table(title="X", columns={"a": Number()})),
    ],
)  # fmt: skip
def test_it_reads_every_kind(parameter: str, kind: Any, tmp_path: Path) -> None:
    assert field_of(parameter, tmp_path, "import numpy.typing") == Field(name="x", kind=kind)


def test_a_choice_can_be_an_enum(tmp_path: Path) -> None:
    before = "class Colour(enum.Enum):\n    RED = 'red'\n    BLUE = 'blue'\n"
    field = field_of("x: Colour = Colour.BLUE", tmp_path, before)
    assert isinstance(field.kind, Choice)
    assert field.kind.options == ("red", "blue")
    assert field.kind.enum.endswith(":Colour")
    assert field.default == "blue"


def test_the_columns_of_a_table_can_be_a_typed_dict(tmp_path: Path) -> None:
    before = "class Row(TypedDict):\n    age: Annotated[float, fd.Number(ge=0)]\n    sex: Literal['m', 'f']\n"
    kind = field_of("x: list[Row]", tmp_path, before).kind
    assert isinstance(kind, Table)
    assert kind.columns == {"age": Number(title="Age", ge=0), "sex": Choice(title="Sex", options=("m", "f"))}


@pytest.mark.parametrize(
    ("parameter", "required", "nullable", "default"),
    [
        ("x: float", True, False, None),
        ("x: float = 1", False, False, 1.0),
        ("x: float | None", True, True, None),
        ("x: float | None = None", False, True, None),
        ("x: Optional[float] = 2.5", False, True, 2.5),
        ("x: Annotated[float, fd.Number()] | None = None", False, True, None),
        ("x: Annotated[float | None, fd.Number()] = None", False, True, None),
        ("x: Annotated[Optional[PIL.Image.Image], fd.Image()] = None", False, True, None),
        ("x: list[float] = (1, 2)", False, False, [1.0, 2.0]),
        ("x: list[dict] = [{'a': 1}]", False, False, [{"a": 1}]),
        ("x: str = ''", False, False, ""),
        ("x: bool = False", False, False, False),
    ],
)
def test_it_reads_what_may_stay_out(
    parameter: str, required: bool, nullable: bool, default: Any, tmp_path: Path
) -> None:
    field = field_of(parameter, tmp_path)
    assert (field.required, field.nullable, field.default) == (required, nullable, default)


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        ("fd.Classification", ClassificationOut()),
        ("fd.Value", ValueOut()),
        ("float", ValueOut()),
        ("int", ValueOut()),
        ("str", TextOut()),
        ("PIL.Image.Image", ImageOut()),
        ("fd.TableValue", TableOut()),
        ("dict", JsonOut()),
        ("list[dict[str, int]]", JsonOut()),
        ("bool", JsonOut()),
        ("fd.Json", JsonOut()),
        ("Annotated[float, fd.ValueOut('cm')]", ValueOut("cm")),
        ("Annotated[fd.Classification, fd.ClassificationOut(top=3)]", ClassificationOut(3)),
    ],
)
def test_it_reads_every_output(annotation: str, kind: Any, tmp_path: Path) -> None:
    assert outputs_of(annotation, tmp_path) == (Output(kind=kind),)


@pytest.mark.parametrize("head", ["class Both(TypedDict):", "@dataclasses.dataclass\nclass Both:"])
def test_a_group_has_several_outputs(head: str, tmp_path: Path) -> None:
    before = f"""{head}
    species: fd.Classification
    petal_area: Annotated[float, fd.ValueOut('cm²')]
    notes: dict
"""
    outputs = outputs_of("Both", tmp_path, before)
    assert outputs == (
        Output(name="species", kind=ClassificationOut(), title="Species"),
        Output(name="petal_area", kind=ValueOut("cm²"), title="Petal area"),
        Output(name="notes", kind=JsonOut(), title="Notes"),
    )


def test_a_model_is_read(tmp_path: Path) -> None:
    (card,) = cards_of(
        '''
        class BigMLP(fd.Model):
            """Names the species
            from four measurements.

            More about it.
            """

            task = "flowers"
            max_batch = 8
            timeout_s = 2
            trains_at_first_start = True

            def predict(self, x: float) -> fd.Classification: ...

            def train(self, run: fd.Run, hidden: Annotated[int, fd.Integer(ge=1)] = 10) -> fd.Metrics: ...
        ''',
        tmp_path,
    )
    (model,) = card.models
    assert (card.name, card.title, card.source, card.routes) == ("flowers", "Flowers", "source", None)
    assert card.description == model.description == "Names the species from four measurements."
    assert (model.name, model.title, model.max_batch, model.timeout_s) == ("big_mlp", "Big mlp", 8, 2)
    assert model.trains
    assert model.trains_at_first_start
    assert model.training == (
        Field(name="hidden", kind=Integer(title="Hidden", ge=1), required=False, default=10),
    )


def test_a_function_is_read(tmp_path: Path) -> None:
    classes = classes_of(
        '''
        @fd.task
        def shout(text: str) -> str:
            """Says it louder."""
            return text.upper()

        @fd.task(title="Whisper", task="hush", max_batch=1)
        def whisper(text: str) -> str:
            return text.lower()

        assert shout("a") == "A"
        ''',
        tmp_path,
    )
    assert [declared().predict(text="Hi") for declared in classes] == ["HI", "hi"]
    cards = cards_of("@fd.task\ndef shout(text: str) -> str:\n    'Says it louder.'", tmp_path)
    assert (cards[0].name, cards[0].description, cards[0].models[0].name) == (
        "shout",
        "Says it louder.",
        "shout",
    )


PHOTOS = '''
class Photos(fd.Model):
    """Says what is in a photo."""
    task = "photos"
    def predict(self, photo: PIL.Image.Image) -> fd.Classification: ...

class Small(Photos):
    """A small network."""

class Large(Photos):
    """A large network."""
    default = True
    name = "huge"
'''


def test_models_share_a_task_and_its_base_describes_it(tmp_path: Path) -> None:
    base = PHOTOS.replace("class Photos(fd.Model)", "class _Photos(fd.Model)").replace(
        "(Photos)", "(_Photos)"
    )
    (card,) = cards_of(base, tmp_path)
    assert card.description == "Says what is in a photo."
    assert [(model.name, model.description) for model in card.models] == [
        ("huge", "A large network."),
        ("small", "A small network."),
    ]


def test_a_base_without_predict_is_no_model(tmp_path: Path) -> None:
    (card,) = cards_of(
        """
        class Base(fd.Model):
            task = "t"
        class A(Base):
            def predict(self, x: float) -> float: ...
        """,
        tmp_path,
    )
    assert [model.name for model in card.models] == ["a"]


def test_tasks_come_in_the_order_they_are_declared(tmp_path: Path) -> None:
    cards = cards_of("".join(f"@fd.task\ndef {name}() -> str: ...\n" for name in ("b", "c", "a")), tmp_path)
    assert [card.name for card in cards] == ["b", "c", "a"]


def test_predict_batch_may_agree_in_several_ways(tmp_path: Path) -> None:
    for batch in (
        "self, x: list[float], y: list[str]) -> list[float]",
        "self, x: list[float], y: list[Literal['a']]) -> list[float]",
        "self, y, x)",
        "self, x: list, y: typing.Sequence[str]) -> list",
        "self, x: list[Annotated[float, fd.Number()] | None], y: list[str]) -> list[float]",
        "self, **columns)",
        "self, x: list[float], **others: list) -> list[float]",
    ):
        cards_of(
            f"class A(fd.Model):\n    task = 't'\n    def predict(self, x: float, y: Literal['a']) -> float: ...\n"
            f"    def predict_batch({batch}: ...",
            tmp_path,
        )


def test_a_marked_table_may_be_left_out(tmp_path: Path) -> None:
    columns = "fd.Table(columns={'weight': fd.Number(ge=0)})"
    text = f"@fd.task\ndef f(rows: Annotated[list[dict], {columns}] | None = None) -> str: ..."
    (field,) = cards_of(text, tmp_path)[0].signature.inputs
    assert not field.required
    assert field.default is None


def test_cards_survive_being_written_down(tmp_path: Path) -> None:
    function = "\n@fd.task\ndef f(y: list[dict], x: Literal['a'] = 'a') -> dict: ..."
    cards = cards_of(PHOTOS + function, tmp_path)
    assert msgspec.json.decode(msgspec.json.encode(cards), type=tuple[TaskCard, ...]) == cards


def test_models_that_differ_only_in_where_their_enum_lives_agree(tmp_path: Path) -> None:
    text = """
    class One(enum.Enum):
        A = "a"
    class Two(enum.Enum):
        A = "a"
    class First(fd.Model):
        task = "t"
        def predict(self, x: One) -> str: ...
    class Second(fd.Model):
        task = "t"
        def predict(self, x: Two) -> str: ...
    """
    assert len(cards_of(text, tmp_path)[0].models) == 2
