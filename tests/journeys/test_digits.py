"""Train the digits example from the page and ask it by drawing, with MNIST's own test pictures as drawings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from journeys.test_training import points, start
from support.server import Server, serving, until

pytest.importorskip("torch", reason="PyTorch, which learns the digits, is not installed")
pytestmark = pytest.mark.timeout(300)

DRAWN, WANTED = 200, 0.97
PUT_INK = """([numbers, side]) => {
    const ink = new ImageData(side, side);
    numbers.forEach((n, i) => ink.data.set([n, n, n, 255], 4 * i));
    const small = new OffscreenCanvas(side, side);
    small.getContext("2d").putImageData(ink, 0, 0);
    const canvas = document.querySelector("canvas");
    canvas.getContext("2d").drawImage(small, 0, 0, canvas.width, canvas.height);
    document.getElementById("answer").replaceChildren();
}"""


@pytest.fixture(scope="module")
def server(repository: Path, test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("digits")
    with serving(data, repository / "examples" / "digits", FRONTDESK_MODELS=str(test_data)) as server:
        yield server


def read(page: Page, picture: np.ndarray) -> str:
    """Put a picture on the canvas under a pen that is down, lift the pen, and give the digit that comes by itself."""
    canvas = page.locator("canvas").bounding_box()
    assert canvas is not None
    row, column = divmod(
        int(picture.argmax()), picture.shape[1]
    )  # where there is ink, so that the pen adds none
    cell = canvas["width"] / picture.shape[1]
    page.mouse.move(canvas["x"] + (column + 0.5) * cell, canvas["y"] + (row + 0.5) * cell)
    page.mouse.down()
    page.evaluate(PUT_INK, [picture.ravel().tolist(), picture.shape[0]])
    page.mouse.up()
    return page.locator("#answer .answer").inner_text()


def test_digits_are_trained_drawn_trained_otherwise_compared_and_rolled_back(
    visit, server: Server, test_data: Path
) -> None:
    page = visit("/tasks/digits/train")
    expect(page.locator(".state.untrained")).to_be_visible()
    address = start(page, epochs=4, pictures=20_000)
    expect(page.locator("figure.chart").first).to_be_visible(timeout=60_000)
    before = points(page)
    until(lambda: points(page) > before, 30, "the curves to grow")
    page.close()
    page = visit(address.removeprefix(server.url))
    expect(page.locator("[data-log]")).to_contain_text("Learning from MNIST")
    expect(page.locator('article[data-state="succeeded"]')).to_be_visible(timeout=120_000)
    assert points(page) > before
    page.goto(f"{server.url}/tasks/digits/versions")
    make_live(page, 1, server)

    with np.load(test_data / "mnist" / "mnist.npz") as mnist:
        pictures, digits = mnist["x_test"][:DRAWN], mnist["y_test"][:DRAWN]
    page.goto(f"{server.url}/tasks/digits")
    read_right = sum(
        read(page, picture) == str(digit) for picture, digit in zip(pictures, digits, strict=True)
    )
    assert read_right / DRAWN >= WANTED
    expect(page.locator("#answer .bars li")).to_have_count(10)
    expect(page.locator("#answer")).to_contain_text("MNIST")
    assert page.locator("#answer img").evaluate("(p) => [p.naturalWidth, p.naturalHeight]") == [28, 28]

    page.goto(f"{server.url}/tasks/digits/train")
    page.locator("#in-activation").select_option("tanh")
    page.locator("#in-optimizer").select_option("sgd")
    start(page, epochs=2, pictures=5_000)
    expect(page.locator('article[data-state="succeeded"]')).to_be_visible(timeout=120_000)
    page.goto(f"{server.url}/tasks/digits/versions/compare?n=1&n=2")
    expect(page.locator("tr.differs", has_text="Optimizer")).to_contain_text("sgd")
    page.get_by_role("link", name="All versions").click()
    make_live(page, 2, server)
    page.get_by_role("button", name="Roll back to this").click()
    expect(page.locator("tr.live b")).to_have_text("1")
    until(lambda: answering(server) == 1, 30, "the first version to answer again")


def make_live(page: Page, number: int, server: Server) -> None:
    button = page.get_by_role("button", name="Make live")
    if button.count():
        button.click()
    expect(page.locator("tr.live b")).to_have_text(str(number))
    until(lambda: answering(server) == number, 30, f"version {number} to answer")


def answering(server: Server) -> int | None:
    return server.predict("digits", drawing=[0] * 140 * 140).json().get("version")
