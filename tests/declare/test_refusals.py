"""Wrong declarations are refused with the file, the line and the mend. `# here` marks the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontdesk.errors import DeclarationError
from support.declaring import HEAD, cards_of

MODEL = """
class A(fd.Model):  # class
    task = "t"
    def predict(self, x: float = 1.0) -> float: ...
"""


def refusal_of(text: str, folder: Path) -> DeclarationError:
    with pytest.raises(DeclarationError) as refusal:
        cards_of(text, folder)
    return refusal.value


def assert_points_here(error: DeclarationError, text: str, folder: Path) -> None:
    assert error.file is not None
    assert Path(error.file).parent == folder
    lines = (HEAD + text).splitlines()
    assert error.line is not None
    assert "# here" in lines[error.line - 1], str(error)
    assert error.mend


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ("x", "has no annotation"),
        ("x: complex", "complex"),
        ("x: list[int]", "list"),
        ("x: float | str", "several types"),
        ("x: Image", "module"),
        ("x: fd.Image", "Annotated[PIL.Image.Image, fd.Image()]"),
        ("x: Annotated[float, fd.Number]", "fd.Number()"),
        ("x: numpy.ndarray", "does not say what it is"),
        ("x: Any", "does not say what it is"),
        ("x: Annotated[int, fd.Number()]", "fd.Number but has the type int"),
        ("x: Annotated[str, fd.Image()]", "PIL.Image.Image"),
        ("x: Annotated[float, fd.Number(), fd.Number()]", "several kinds"),
        ("x: Annotated[float, fd.Number(ge='a')]", "Expected `float"),
        ("x: Annotated[float, fd.Number(ge=2, le=1)]", "allow nothing"),
        ("x: Annotated[float, fd.Number(gt=1, le=1)]", "allow nothing"),
        ("x: Annotated[float, fd.Number(ge=1, gt=1)]", "same side"),
        ("x: Annotated[float, fd.Number(le=float('inf'))]", "no finite number"),
        ("x: Annotated[float, fd.Number(step=0)]", "step"),
        ("x: Annotated[float, fd.Number(ge=0, log=True)]", "logarithmic"),
        ("x: Annotated[int, fd.Integer(le=2**63)]", "64 bits"),
        ("x: Annotated[str, fd.Choice()]", "no options"),
        ("x: Annotated[str, fd.Choice(options=('a', 'a'))]", "same option twice"),
        ("x: Annotated[Literal['a'], fd.Choice(options=('b',))]", "differ"),
        ("x: Literal[1, 2]", "not strings"),
        ("x: Literal['']", "empty option"),
        ("x: Annotated[str, fd.Text(pattern='(')]", "no regular expression"),
        ("x: Annotated[str, fd.Text(pattern='(?i)a')]", "no regular expression"),
        ("x: Annotated[str, fd.Text(min_length=2, max_length=1)]", "lengths"),
        ("x: Annotated[PIL.Image.Image, fd.Image(mode='rgb')]", "'rgb'"),
        ("x: Annotated[bytes, fd.File(accept=('wav',))]", "'.wav'"),
        ("x: Annotated[bytes, fd.File(max_bytes=0)]", "max_bytes=0"),
        ("x: Annotated[list[dict], fd.Table(columns={'a': fd.Number(ge=2, le=1)})]", "column `a`"),
        ("x: Annotated[list[dict], fd.Table(columns={'a': fd.Image()})]", "fd.Table that is wrong"),
        ("x: Annotated[float, fd.Number(ge=0)] = -1", "Must be at least 0."),
        ("x: float = 'a'", "Must be a number."),
        ("x: float = True", "Must be a number."),
        ("x: float = float('nan')", "a computer can hold"),
        ("x: int = 1.5", "Must be a whole number."),
        ("x: Literal['a'] = 'b'", "Must be one of"),
        ("x: float = None", "None"),
        ("x: bytes = b'a'", "a file cannot have"),
        ("x: list[float] = [1, 'a']", "at /1"),
        ("_x: float", "underscore"),
        ("*x: float", "passed by name"),
        ("**x: float", "passed by name"),
        ("x: float, /", "passed by name"),
    ],
)
def test_a_wrong_input_is_refused(parameter: str, words: str, tmp_path: Path) -> None:
    end = "," if not parameter.endswith(("/", "**x: float")) else ""
    text = f"""
class A(fd.Model):
    task = "t"
    def predict(
        self,
        {parameter}{end}  # here
    ) -> float: ...
"""
    error = refusal_of(text, tmp_path)
    assert words in str(error)
    assert_points_here(error, text, tmp_path)


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ("", "no return annotation"),
        ("-> None", "no kind of output"),
        ("-> bytes", "no kind of output"),
        ("-> numpy.ndarray", "no kind of output"),
        ("-> str | None", "may be None"),
        ("-> Nowhere", "name 'Nowhere' is not defined"),
        ("-> Nothing", "no fields"),
        ("-> Alone", "one field `answer`"),
        ("-> Partly", "may lack a"),
        ("-> Wrong", "output `a`"),
        ("-> Annotated[str, fd.ValueOut()]", "ValueOut"),
    ],
)
def test_a_wrong_output_is_refused(annotation: str, words: str, tmp_path: Path) -> None:
    text = f"""
class Nothing(TypedDict): pass
class Alone(TypedDict):
    answer: float
class Partly(TypedDict, total=False):
    a: float
class Wrong(TypedDict):
    a: bytes
class A(fd.Model):
    task = "t"
    def predict(self, x: float) {annotation}: ...  # here
"""
    error = refusal_of(text, tmp_path)
    assert words in str(error)
    assert_points_here(error, text, tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("task = ''", "names no task"),
        ("task = 'Big Task'", "cannot be part of an address"),
        ("name = 'a.b'", "cannot be part of an address"),
        ("max_batch = 0", "max_batch = 0"),
        ("max_batch = True", "max_batch = True"),
        ("timeout_s = '5'", "timeout_s"),
        ("timeout_s = 0", "timeout_s"),
        ("memory_mb = 0.5", "memory_mb"),
        ("resources = 2", "resources = 2"),
        ("resources = fd.Resources(cpus=-1)", "cpus = -1"),
        ("resources = fd.Resources(gpus=1.5)", "neither a part of one nor a whole number"),
        ("resources = fd.Resources(memory_mb=0.5)", "memory_mb = 0.5"),
        ("eager = 1", "eager"),
        ("trains_at_first_start = True", "no `train`"),
        ("predict = 3", "no function"),
    ],
)
def test_a_wrong_attribute_is_refused(line: str, words: str, tmp_path: Path) -> None:
    extra = "" if line.startswith("task") else "    task = 't'\n"
    predict = "" if line.startswith("predict") else "    def predict(self, x: float) -> float: ...\n"
    mark = "" if line == "task = ''" else "  # here"
    head = "# here" if line == "task = ''" else ""
    text = f"\nclass A(fd.Model):  {head}\n{extra}    {line}{mark}\n{predict}"
    error = refusal_of(text, tmp_path)
    assert words in str(error)
    assert_points_here(error, text, tmp_path)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (
            "def predict_batch(self, y: list[float]) -> list[float]: ...  # here",
            "takes `y`, but `predict` takes `x`",
        ),
        ("def predict_batch(self) -> list[float]: ...  # here", "takes nothing"),
        ("def predict_batch(self, z: list, **others) -> list[float]: ...  # here", "takes `z`"),
        ("def predict_batch(self, *columns) -> list[float]: ...  # here", "takes `*columns`"),
        ("def predict_batch(self, x: float) -> list[float]: ...  # here", "list[float]"),
        ("def predict_batch(self, x: list[str]) -> list[float]: ...  # here", "list[float]"),
        ("def predict_batch(self, x: list[float]) -> float: ...  # here", "Return list[float]"),
        ("def predict_batch(self, x: list[float]) -> list[str]: ...  # here", "Return list[float]"),
        ("async def predict_batch(self, x: list[float]) -> list[float]: ...  # here", "asynchronous"),
        ("def predict_batch(x: list[float]) -> list[float]: ...  # here", "no `self`"),
        ("def train(): ...  # here", "no `self`"),
        ("def train(self): ...  # here", "begin with the run"),
        ("def train(self, hidden: int = 1): ...  # here", "begin with the run"),
        ("def train(self, run: fd.Run, hidden: int): ...  # here", "no default"),
        (
            "def train(self, run: fd.Run, photo: PIL.Image.Image | None = None): ...  # here",
            "no single value",
        ),
        (
            "def train(self, run: fd.Run, hidden: Annotated[int, fd.Integer(le=5)] = 6): ...  # here",
            "at most 5",
        ),
    ],
)
def test_methods_that_do_not_fit_are_refused(method: str, words: str, tmp_path: Path) -> None:
    text = f"{MODEL}    {method}\n"
    error = refusal_of(text, tmp_path)
    assert words in str(error)
    assert_points_here(error, text, tmp_path)


SECOND = """
class B(fd.Model):
    {attributes}
    task = "t"
    def predict({parameters}) -> {returns}: ...  # here
"""


@pytest.mark.parametrize(
    ("parameters", "returns", "words"),
    [
        ("self, x: float = 2.0", "float", "declares its input `x` otherwise than A"),
        ("self, x: Annotated[float, fd.Number(ge=0)] = 1.0", "float", "input `x` otherwise"),
        ("self, x: float = 1.0, y: float = 1.0", "float", "an input `y`"),
        ("self", "float", "no input `x`"),
        ("self, x: float = 1.0", "str", "other outputs"),
    ],
)
def test_two_models_of_a_task_with_different_signatures_are_refused(
    parameters: str, returns: str, words: str, tmp_path: Path
) -> None:
    text = MODEL + SECOND.format(attributes="", parameters=parameters, returns=returns)
    error = refusal_of(text, tmp_path)
    assert words in str(error)
    assert_points_here(error, text, tmp_path)
    assert f".py:{(HEAD + MODEL).splitlines().index('class A(fd.Model):  # class') + 3}" in error.problem


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    text = MODEL + SECOND.format(
        attributes="name = 'a'  # here", parameters="self, x: float = 1.0", returns="float"
    )
    error = refusal_of(text, tmp_path)
    assert "two models called a" in str(error)
    assert_points_here(error, text, tmp_path)


def test_two_default_models_are_refused(tmp_path: Path) -> None:
    first = MODEL.replace('task = "t"', 'task = "t"\n    default = True')
    text = first + SECOND.format(
        attributes="default = True  # here", parameters="self, x: float = 1.0", returns="float"
    )
    error = refusal_of(text, tmp_path)
    assert "two default models" in str(error)
    assert_points_here(error, text, tmp_path)


def test_a_model_without_predict_is_refused(tmp_path: Path) -> None:
    text = "\nclass A(fd.Model):  # here\n    task = 't'\n"
    error = refusal_of(text, tmp_path)
    assert "has no `predict`" in str(error)
    assert_points_here(error, text, tmp_path)


def test_what_only_the_type_checker_imports_cannot_be_read(tmp_path: Path) -> None:
    text = """
if typing.TYPE_CHECKING:
    from decimal import Decimal
@fd.task  # here
def f(x: Decimal) -> float: ...
"""
    error = refusal_of(text, tmp_path)
    assert "TYPE_CHECKING" in error.mend
    assert_points_here(error, text, tmp_path)


@pytest.mark.parametrize("attribute", ["task='No Name'", "max_batch=-1"])
def test_a_function_with_wrong_attributes_is_refused_at_its_line(attribute: str, tmp_path: Path) -> None:
    text = f"\n@fd.task({attribute})  # here\ndef f(x: float) -> float: ...\n"
    assert_points_here(refusal_of(text, tmp_path), text, tmp_path)


def test_the_message_reads_as_one(tmp_path: Path) -> None:
    text = "\n@fd.task\ndef f(\n    x: Annotated[float, fd.Number(ge=0, unit='cm')] = -1,  # here\n) -> float: ...\n"
    error = refusal_of(text, tmp_path)
    assert str(error).endswith(
        f".py:{error.line}: `x` has a default that it would refuse itself: Must be at least 0 cm. "
        "Change the default or the limit."
    )


@pytest.mark.parametrize(
    "words", ["", "    command = 'node server.js'\n", "    command, url = ('node',), 'http://localhost:1'\n"]
)
def test_a_remote_model_says_where_its_answers_come_from(words: str, tmp_path: Path) -> None:
    text = f'class A(fd.RemoteModel):\n    task = "t"\n{words}    def predict(self, x: float = 1.0) -> float: ...\n'
    assert "does not say where its answers come from" in refusal_of(text, tmp_path).problem
