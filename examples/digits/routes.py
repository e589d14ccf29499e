"""The address that the digit page of old had."""

from __future__ import annotations

import json

import frontdesk as fd

routes = fd.Routes()
SIDE, LARGER = 28, 5


@routes.route("POST", "/recognize")
async def recognize(request: fd.RouteRequest) -> str:
    """The form field `matrix`, 784 numbers from 0 (paper) to 255 (ink) in JSON -> the digit, as text."""
    drawing = enlarged(pixels(request.form.get("matrix")))
    return str((await request.ask("digits", {"drawing": drawing}))["digit"]["label"])


def pixels(matrix: str | bytes | None) -> list[float]:
    """The numbers in the field; anything else is refused."""
    try:
        numbers = json.loads(matrix or "")
    except ValueError:
        numbers = None
    if not isinstance(numbers, list) or len(numbers) != SIDE * SIDE:
        raise fd.InvalidInput("matrix", f"Must be {SIDE * SIDE} numbers in JSON, row by row.")
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 255:
            raise fd.InvalidInput("matrix", "Each number must be from 0 to 255.")
    return numbers


def enlarged(numbers: list[float]) -> list[list[float]]:
    """As large as the canvas of the page is."""
    rows = [numbers[start : start + SIDE] for start in range(0, SIDE * SIDE, SIDE)]
    return [[number for number in row for _ in range(LARGER)] for row in rows for _ in range(LARGER)]
