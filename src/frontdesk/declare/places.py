"""Where in an author's file something is declared, so that an error can point there."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from frontdesk.errors import DeclarationError


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, as far as it is known: what was typed into an interpreter has none."""

    file: str | None = None
    line: int | None = None

    def error(self, problem: str, mend: str) -> DeclarationError:
        """The error that points here."""
        return DeclarationError(problem, mend, self.file, self.line)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.file else "an unknown place"


def place_of(declared: type | Callable[..., Any]) -> Place:
    """The line a class or function begins on."""
    if not isinstance(declared, type) and (code := getattr(inspect.unwrap(declared), "__code__", None)):
        return Place(code.co_filename, code.co_firstlineno)
    try:
        return Place(inspect.getsourcefile(declared), inspect.getsourcelines(declared)[1])
    except (OSError, TypeError):
        # A class without source of its own stands for a function, or its module was loaded in an unusual way.
        predict = inspect.getattr_static(declared, "predict", None)
        function = getattr(predict, "__func__", predict)
        return place_of(function) if inspect.isfunction(function) else Place()


def place_of_parameter(function: Callable[..., Any], name: str) -> Place:
    """The line of a parameter; that of the function where it cannot be told."""
    return _within(
        inspect.unwrap(function),
        lambda node: isinstance(node, ast.arg) and node.arg == name,
    )


def place_of_attribute(declared: type, name: str) -> Place:
    """The line that sets an attribute of a class; that of the class where it inherits it."""

    def sets(node: ast.AST) -> bool:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        return any(isinstance(target, ast.Name) and target.id == name for target in targets)

    return _within(declared, sets)


def _within(declared: type | Callable[..., Any], is_it: Callable[[ast.AST], bool]) -> Place:
    start = place_of(declared)
    try:
        lines, first = inspect.getsourcelines(declared)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return start
    for node in _in_order(tree):
        if is_it(node):
            return Place(start.file, max(first, 1) + getattr(node, "lineno", 1) - 1)
    return start


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _in_order(child)
