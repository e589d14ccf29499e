"""What somebody says of an answer: whether it was right, and what it should have been. Checked against what it was."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from frontdesk.declare.output_kinds import ClassificationOut, Output, TextOut, ValueOut
from frontdesk.errors import Fault, InvalidInput
from frontdesk.monitor.rows import Said

LABEL_CHARACTERS = 200
TEXT_CHARACTERS = 4000


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of it. `truth` is by output; `off_by` is how far a number was from the true one."""

    is_right: bool
    truth: dict[str, str | float] = {}
    off_by: float | None = None


def takes_truth(out: Output) -> bool:
    """Whether the true answer can be said: a label, a number or a text."""
    return isinstance(out.kind, ClassificationOut | ValueOut | TextOut)


def judged(
    outputs: tuple[Output, ...], said: Mapping[str, Said] | None, right: bool | None, truth: Mapping[str, Any]
) -> Judgement:
    """Put together what was said of an answer, of which nothing may be known (`said` is None). Raises InvalidInput."""
    if right is None and not truth:
        raise InvalidInput.of([Fault("/right", "Say whether it was right, or give the true answer.")])
    told = _checked(outputs, said or {}, truth)
    is_same = _is_same(outputs, said or {}, told)
    if right is not None and is_same is not None and right is not is_same:
        raise InvalidInput.of(
            [Fault("/right", f"The true answer is {'the one' if is_same else 'not the one'} that was given.")]
        )
    if right is None:
        right = is_same if is_same is not None else _is_near(outputs, said or {}, told)
    if right is None:
        raise InvalidInput.of([Fault("/right", "This answer was not kept: say whether it was right.")])
    if right:  # what was confirmed is known to be true
        given = {
            out.name: said[out.name].answer
            for out in outputs
            if said and takes_truth(out) and out.name in said and out.name not in told
        }
        told = told | {name: answer for name, answer in given.items() if answer is not None}
    return Judgement(is_right=right, truth=told, off_by=_off_by(outputs, said or {}, told))


def _checked(
    outputs: tuple[Output, ...], said: Mapping[str, Said], truth: Mapping[str, Any]
) -> dict[str, str | float]:
    by_name = {out.name: out for out in outputs}
    faults: list[Fault] = []
    told: dict[str, str | float] = {}
    for name, value in truth.items():
        if name not in by_name:
            faults.append(Fault(f"/truth/{name}", "There is no output of that name."))
        elif problem := _problem(by_name[name], said.get(name), value):
            faults.append(Fault(f"/truth/{name}", problem))
        else:
            told[name] = value if isinstance(value, str) else float(value)
    if faults:
        raise InvalidInput.of(faults)
    return told


def _problem(out: Output, said: Said | None, value: Any) -> str:
    match out.kind:
        case ClassificationOut():
            labels = said.labels if said else []
            if not isinstance(value, str) or not 0 < len(value) <= LABEL_CHARACTERS:
                return f"Must be a label of 1 to {LABEL_CHARACTERS} characters."
            if labels and value not in labels:
                return f"Must be one of {', '.join(labels[:20])}{', …' if len(labels) > 20 else ''}."
        case ValueOut():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or abs(value) > 1e300 or not math.isfinite(value):
                return "Must be a number."
        case TextOut():
            if not isinstance(value, str) or len(value) > TEXT_CHARACTERS:
                return f"Must be text of at most {TEXT_CHARACTERS} characters."
        case _:
            return "The true answer of this output cannot be given; say whether it was right."
    return ""


def _is_same(
    outputs: tuple[Output, ...], said: Mapping[str, Said], told: Mapping[str, str | float]
) -> bool | None:
    """Whether labels and texts are those that were answered; None where that is not known or not the question."""
    compared = [
        said[out.name].answer == told[out.name]
        for out in outputs
        if out.name in told
        and not isinstance(out.kind, ValueOut)
        and out.name in said
        and said[out.name].answer is not None
    ]
    return all(compared) if compared else None


def _is_near(
    outputs: tuple[Output, ...], said: Mapping[str, Said], told: Mapping[str, str | float]
) -> bool | None:
    """Whether the first number is the one that was answered."""
    off_by = _off_by(outputs, said, told)
    if off_by is None:
        return None
    name = next(out.name for out in outputs if isinstance(out.kind, ValueOut) and out.name in told)
    return off_by <= 1e-9 * max(abs(float(told[name])), 1e-300)


def _off_by(
    outputs: tuple[Output, ...], said: Mapping[str, Said], told: Mapping[str, str | float]
) -> float | None:
    for out in outputs:
        answer = said[out.name].answer if out.name in said else None
        if isinstance(out.kind, ValueOut) and out.name in told and isinstance(answer, int | float):
            return abs(float(told[out.name]) - float(answer))
    return None
