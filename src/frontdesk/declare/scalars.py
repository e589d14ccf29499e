"""Single values: from parsed JSON to wire form. What does not fit is noted, with the limit and its unit."""

from __future__ import annotations

import math
import re

from frontdesk.declare.faults import Faults, count, listing, measure
from frontdesk.declare.kinds import INTEGER_LEAST, INTEGER_MOST, Boolean, Choice, Integer, Number, Text
from frontdesk.declare.wire import whole_pattern


def check_number(kind: Number, given: object, pointer: str, faults: Faults) -> float | None:
    """A finite number within its limits."""
    number = finite(given, pointer, faults)
    if number is None:
        return None
    if kind.ge is not None and number < kind.ge:
        faults.add(pointer, f"Must be at least {measure(kind.ge, kind.unit)}.")
    elif kind.gt is not None and number <= kind.gt:
        faults.add(pointer, f"Must be more than {measure(kind.gt, kind.unit)}.")
    elif kind.le is not None and number > kind.le:
        faults.add(pointer, f"Must be at most {measure(kind.le, kind.unit)}.")
    elif kind.lt is not None and number >= kind.lt:
        faults.add(pointer, f"Must be less than {measure(kind.lt, kind.unit)}.")
    return number


def finite(given: object, pointer: str, faults: Faults) -> float | None:
    """Any number a float can hold."""
    if not isinstance(given, int | float) or isinstance(given, bool):
        faults.add(pointer, "Must be a number.")
        return None
    try:
        number = float(given)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        faults.add(pointer, "Must be a number a computer can hold, up to about 1.8e308.")
        return None
    return number


def check_integer(kind: Integer, given: object, pointer: str, faults: Faults) -> int | None:
    """A whole number of 64 bits within its limits."""
    if isinstance(given, float) and given.is_integer():
        given = int(given)  # 1.0 is a whole number in JSON Schema
    if not isinstance(given, int) or isinstance(given, bool):
        faults.add(pointer, "Must be a whole number.")
        return None
    least = INTEGER_LEAST if kind.ge is None else kind.ge
    most = INTEGER_MOST if kind.le is None else kind.le
    if given < least:
        faults.add(pointer, f"Must be at least {measure(least, kind.unit)}.")
    elif given > most:
        faults.add(pointer, f"Must be at most {measure(most, kind.unit)}.")
    return given


def check_boolean(kind: Boolean, given: object, pointer: str, faults: Faults) -> bool | None:
    """True or false."""
    if not isinstance(given, bool):
        faults.add(pointer, "Must be true or false.")
        return None
    return given


def check_choice(kind: Choice, given: object, pointer: str, faults: Faults) -> str | None:
    """One of the options."""
    if not isinstance(given, str) or given not in kind.options:
        faults.add(pointer, f"Must be one of {listing(kind.options)}.")
        return None
    return given


def check_text(kind: Text, given: object, pointer: str, faults: Faults) -> str | None:
    """Text of the right length and form."""
    if not isinstance(given, str):
        faults.add(pointer, "Must be text.")
        return None
    if is_broken(given):
        faults.add(pointer, "Must be text; half of a character is missing.")
    elif len(given) < kind.min_length:
        faults.add(pointer, f"Must have at least {count(kind.min_length, 'character')}.")
    elif len(given) > kind.max_length:
        faults.add(pointer, f"Must have at most {count(kind.max_length, 'character')}.")
    elif kind.pattern is not None and not re.search(whole_pattern(kind.pattern), given):
        faults.add(pointer, f"Must have the form {kind.pattern}.")
    return given


def is_broken(text: str) -> bool:
    """Whether it holds half a character: a lone surrogate, which JSON can spell and Unicode does not have."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
