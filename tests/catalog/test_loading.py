"""Importing what authors wrote, and what is said when that fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from frontdesk.catalog.loading import load_models
from frontdesk.errors import DeclarationError

MODEL = """
import frontdesk as fd

class Doubling(fd.Model):
    task = "double"
    def predict(self, x: float = 1.0) -> float:
        return FACTOR * x
"""


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Leave the interpreter as it was."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refusal(path: Path, text: str) -> DeclarationError:
    with pytest.raises(DeclarationError) as caught:
        load_models(write(path, text))
    return caught.value


def test_it_finds_classes_and_functions_of_a_file(tmp_path: Path) -> None:
    file = write(
        tmp_path / "both_kinds.py",
        MODEL + "\nFACTOR = 2\n\n@fd.task\ndef shout(text: str) -> str:\n    return text.upper()\n",
    )
    assert [model.task for model in load_models(file)] == ["double", "shout"]


def test_a_folder_imports_what_lies_beside_its_model(tmp_path: Path) -> None:
    write(tmp_path / "shop_factors.py", "FACTOR = 3\n")
    write(tmp_path / "model.py", "from shop_factors import FACTOR\n" + MODEL)
    (model,) = load_models(tmp_path)
    assert model().predict(x=2.0) == 6.0


def test_two_folders_with_a_model_each_do_not_mix(tmp_path: Path) -> None:
    for factor in (2, 3):
        write(tmp_path / str(factor) / "model.py", f"FACTOR = {factor}\n" + MODEL)
    answers = [load_models(tmp_path / str(factor))[0]().predict(x=1.0) for factor in (2, 3)]
    assert answers == [2.0, 3.0]


def test_what_is_wrong_in_a_file_is_said_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "faulty.py"
    error = refusal(file, "x = 1\nif x\n")
    assert (error.file, error.line) == (str(file), 2)
    error = refusal(file, "x = 1\n\nraise ValueError('no weights')\n")
    assert (error.line, error.problem) == (3, "Importing the file raised ValueError: no weights.")
    error = refusal(file, "import sys\nsys.exit(3)\n")
    assert error.line == 2
    assert "exit" in error.mend
    error = refusal(file, "import json\njson.loads('{')\n")
    assert error.line == 2  # of the author's, not of the library it called


def test_a_missing_package_is_named_as_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)  # as if it were not there
    error = refusal(tmp_path / "needy.py", "import sklearn\n")
    assert error.problem == "This needs scikit-learn, which is not installed."
    assert "pip install scikit-learn" in error.mend
    error = refusal(tmp_path / "needy.py", "\nimport no_such_thing.at_all\n")
    assert "no-such-thing" in error.problem
    assert error.line == 2
    error = refusal(tmp_path / "needy.py", "from json import nothing_like_it\n")
    assert "nothing_like_it" in error.problem


def test_an_import_that_failed_leaves_nothing_behind(tmp_path: Path) -> None:
    helper = write(tmp_path / "half_done.py", "VALUE = 1\n")
    file = write(tmp_path / "author_file.py", "import half_done\n" + MODEL + "\nraise RuntimeError\n")
    path = list(sys.path)
    for _ in range(2):
        with pytest.raises(DeclarationError):
            load_models(file)
    assert sys.path == path
    assert not {"author_file", "half_done"} & set(sys.modules)
    write(helper, "VALUE = 2  # mended\n")
    write(file, "import half_done\nFACTOR = half_done.VALUE\n" + MODEL)
    assert load_models(file)[0]().predict(x=1.0) == 2.0


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (".", "no model.py"),
        ("x.py", "no file or folder"),
        ("x.onnx", "no file or folder"),
        ("x.txt", "an ONNX file"),
    ],
)
def test_what_cannot_be_served_is_refused_in_plain_words(tmp_path: Path, name: str, problem: str) -> None:
    write(tmp_path / "x.txt", "")
    with pytest.raises(DeclarationError, match=problem):
        load_models(tmp_path / name)


def test_a_file_that_declares_nothing_is_refused(tmp_path: Path) -> None:
    assert "Nothing is declared" in refusal(tmp_path / "empty_one.py", "x = 1\n").problem
