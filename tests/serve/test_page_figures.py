"""What pages write for people: figures, times, and where the marks of small plots go."""

from __future__ import annotations

import base64
import io
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from frontdesk.serve.pages.formats import ago, duration, figure, is_tiny, ordinal, plain, size
from frontdesk.serve.pages.plots import histogram, spread

FINITE = st.floats(-1e9, 1e9)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1 + 0.2, "0.3"), (2.0, "2"), (1234567.0, "1,234,567"), (12345, "12,345"), (1e-9, "1e-09"), (1e300, "1e+300"),
        (True, "True"), ("x", "x"), (None, "None"),
    ],
)  # fmt: skip
def test_a_figure_has_no_more_digits_than_a_person_reads(value: Any, text: str) -> None:
    assert figure(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9))
def test_a_form_field_holds_exactly_its_number(value: float) -> None:
    assert float(plain(value)) == value


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (1022, "1,022nd")]
)
def test_places_in_line(number: int, text: str) -> None:
    assert ordinal(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 days")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_moments() -> None:
    assert ago(None) == "–"
    assert ago(datetime.now(UTC)) == "just now"
    assert ago(datetime.now(UTC) - timedelta(minutes=5)) == "5 min ago"


@given(st.lists(FINITE, min_size=1, max_size=50), FINITE, st.floats(0.001, 1e6))
def test_every_sample_is_in_some_bar(samples: list[float], low: float, width: float) -> None:
    marks = histogram(samples, low, low + width)
    assert max(mark.height for mark in marks) == 100
    assert all(mark.left >= 0 and mark.left + mark.width <= 100.01 for mark in marks)


def test_no_samples_make_no_bars() -> None:
    assert histogram([], 0, 1) == []
    assert histogram([1.0], 1, 1) == []


def test_a_bare_number_needs_no_plot() -> None:
    assert spread({"value": 3.0}) is None


@given(FINITE, st.floats(0, 1e6), st.floats(0, 1e6), st.lists(FINITE, max_size=30))
def test_value_and_interval_lie_in_order_on_their_axis(
    value: float, below: float, above: float, samples: list[float]
) -> None:
    interval = {"low": value - below, "high": value + above, "level": 0.9}
    plot = spread({"value": value, "interval": interval, "samples": samples})
    assert plot is not None
    assert plot.interval is not None
    assert 0 <= plot.interval[0] <= plot.value <= plot.interval[1] <= 100
    assert all(math.isfinite(place) for place in (plot.low, plot.high))


@pytest.mark.parametrize(("size", "tiny"), [((28, 28), True), ((64, 64), True), ((65, 1), False)])
def test_a_tiny_picture_is_known_by_its_head(size: tuple[int, int], tiny: bool) -> None:
    content = io.BytesIO()
    Image.new("L", size).save(content, "PNG")
    assert is_tiny(base64.b64encode(content.getvalue()).decode()) is tiny


@pytest.mark.parametrize("content", ["", "nonsense", "////", "Zm9v"])
def test_what_is_no_picture_is_not_tiny(content: str) -> None:
    assert not is_tiny(content)


def test_sizes_are_told_in_the_unit_that_leaves_a_figure_to_read() -> None:
    told = [size(count) for count in (0, 1, 999, 1000, 2_400_000, 7 * 10**9)]
    assert told == ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "2.4 MB", "7.0 GB"]
