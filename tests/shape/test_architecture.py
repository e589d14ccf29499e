"""ARCHITECTURE.md says what is there, and nothing else is."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

LONGEST_FILE = 300
LONGEST_FUNCTION = 50


def _tree(repository: Path) -> list[str]:
    """The paths that the tree of ARCHITECTURE.md draws."""
    text = (repository / "ARCHITECTURE.md").read_text().split("## Where things are", 1)[1]
    lines = re.findall(r"^    ( *)(\S+)  ", text, re.MULTILINE)
    return [("src/frontdesk/" if indent else "") + name for indent, name in lines]


def _sources(repository: Path) -> list[Path]:
    return sorted((repository / "src").rglob("*.py"))


def test_it_draws_only_what_exists(repository: Path) -> None:
    assert [path for path in _tree(repository) if not (repository / path).exists()] == []


def test_it_draws_every_part_of_the_package(repository: Path) -> None:
    package = repository / "src" / "frontdesk"
    parts = {f"{p.name}/" for p in package.iterdir() if (p / "__init__.py").exists()}
    parts |= {p.name for p in package.glob("*.py")}
    drawn = {path.removeprefix("src/frontdesk/") for path in _tree(repository) if path.startswith("src/")}
    assert sorted(parts - drawn) == []


def test_it_names_the_layers_that_the_import_contract_holds(repository: Path) -> None:
    contract = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ][0]
    layers = " > ".join(layer for layer in contract["layers"]).removeprefix("(__main__) > ")
    assert layers in (repository / "ARCHITECTURE.md").read_text()


def test_files_stay_short(repository: Path) -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in _sources(repository)}
    assert {str(path): length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_stay_short(repository: Path) -> None:
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path in _sources(repository)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_the_environment_is_read_only_at_the_door(repository: Path) -> None:
    """Settings come from `settings`, which cli reads; a module that looks into os.environ has a hidden setting."""
    readers = {
        str(path.relative_to(repository / "src" / "frontdesk"))
        for path in _sources(repository)
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text())
    }
    assert {reader for reader in readers if not reader.startswith("cli/")} - ALLOWED_READERS == set()


ALLOWED_READERS = {
    "host/runtime.py",  # XDG_RUNTIME_DIR is the system's, not a setting
}


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX"])
def test_nothing_is_left_for_later(repository: Path, word: str) -> None:
    sources = [*_sources(repository), *(repository / "frontend").glob("src/**/*.ts")]
    assert [str(path) for path in sources if re.search(rf"\b{word}\b", path.read_text())] == []
