"""From a source on disk to the models it declares.

This runs authors' code: only hosts and `describe_process` call it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from frontdesk.catalog.import_faults import as_declaration_error
from frontdesk.declare.model import Model
from frontdesk.declare.shelf import collect
from frontdesk.errors import DeclarationError


def load_models(source: Path) -> list[type[Model]]:
    """The models declared by a Python file, by the `model.py` of a folder, or by an ONNX file itself.

    An import that fails leaves nothing behind, so that it can be tried again once the file is mended.
    """
    source = source.absolute()
    if is_network(source):
        # Only those who have such a file need what runs it.
        from frontdesk.catalog.artifact import model_of_onnx

        return [model_of_onnx(source)]
    file = python_file(source)
    with _undone_on_failure(file.parent), collect() as declared:
        try:
            _import(file)
        except DeclarationError:
            raise
        except (Exception, SystemExit) as error:
            raise as_declaration_error(error, file) from error
    if not declared:
        raise DeclarationError(
            "Nothing is declared in this file.",
            "Write a class derived from `fd.Model`, or a function under `@fd.task`.",
            str(file),
            1,
        )
    return list(declared)


def is_network(source: Path) -> bool:
    """Whether the source is an ONNX file rather than something in Python."""
    return source.suffix.lower() == ".onnx" and source.is_file()


def python_file(source: Path) -> Path:
    """The Python file to import for a source."""
    if source.is_dir():
        file = source / "model.py"
        if not file.is_file():
            raise DeclarationError(
                f"The folder {source} has no model.py.", "Write one, or name the Python file itself."
            )
        return file
    if not source.is_file():
        raise DeclarationError(f"There is no file or folder {source}.", "Check the path.")
    if source.suffix != ".py":
        raise DeclarationError(
            f"{source} is not something that can be served.",
            "Name a Python file, a folder with a model.py, or an ONNX file.",
        )
    return source


def routes_file(source: Path) -> Path:
    """Where a source's own routes would be: a folder's `routes.py`, `clock_routes.py` beside `clock.py`."""
    return source / "routes.py" if source.is_dir() else source.with_name(f"{source.stem}_routes.py")


def _import(file: Path) -> None:
    """Import the file as Python would import it from its own folder, so that it finds what lies beside it."""
    folder = str(file.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    name = _module_name(file)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def _module_name(file: Path) -> str:
    """The file's own name, unless another module has it already, such as the model.py of another folder."""
    known = sys.modules.get(file.stem)
    if known is None or getattr(known, "__file__", None) == str(file):
        return file.stem
    return f"{file.stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"


@contextmanager
def _undone_on_failure(folder: Path) -> Iterator[None]:
    """Forget, when it fails, what was imported from this folder and how the path was changed for it."""
    modules, path = set(sys.modules), list(sys.path)
    try:
        yield
    except BaseException:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(folder):
                del sys.modules[name]
        raise
