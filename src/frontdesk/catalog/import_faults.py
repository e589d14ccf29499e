"""What went wrong while an author's file was imported, said so that its author can mend it."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from frontdesk.errors import DeclarationError

_PACKAGES = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "onnxruntime": "frontdesk[onnx]",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""What to install for a module whose package has another name."""


def as_declaration_error(error: BaseException, file: Path) -> DeclarationError:
    """The same fault with the place in the author's own code and a mend."""
    if isinstance(error, SyntaxError):
        return DeclarationError(
            f"This is not valid Python: {error.msg}.",
            "Correct the line.",
            error.filename or str(file),
            error.lineno,
        )
    place, line = _place(error, file)
    if isinstance(error, ModuleNotFoundError) and error.name:
        problem, mend = _missing(error.name)
    elif isinstance(error, ImportError):
        problem, mend = f"An import failed: {error}.", "Check the name, and the version that is installed."
    elif isinstance(error, SystemExit):
        problem, mend = "The file ended the process while it was imported.", "Leave out the call of `exit`."
    else:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        problem, mend = f"Importing the file raised {text}.", "Correct the line."
    return DeclarationError(problem, mend, place, line)


def install_command(package: str) -> str:
    """How to install a package for the Python that runs this, as one would type it here."""
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    return f"{python} -m pip install '{package}'" if "[" in package else f"{python} -m pip install {package}"


def _missing(module: str) -> tuple[str, str]:
    package = _PACKAGES.get(module.partition(".")[0], module.partition(".")[0].replace("_", "-"))
    return (
        f"This needs {package}, which is not installed.",
        f"Install it: {install_command(package)} (or correct the name).",
    )


def _place(error: BaseException, file: Path) -> tuple[str, int | None]:
    """The last line that ran in the author's folder: what failed may lie in a library called from there."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(file.parent) and "site-packages" not in frame.filename
    ]
    if not frames:
        return str(file), None
    return frames[-1].filename, frames[-1].lineno
