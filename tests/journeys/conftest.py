"""A real server, and Chromium in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from support.server import Server, serving, until

TASKS = Path(__file__).parent.parent / "support" / "tasks"
SIZES = {"desktop": (1200, 900), "phone": (390, 800)}

Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    examples = repository / "examples"
    data = tmp_path_factory.mktemp("data")
    pictures = data / "models" / "pictures"
    pictures.mkdir(parents=True)
    for name, colour in (("a_red_one", "red"), ("a_green_one", "green")):
        Image.new("RGB", (60, 40), colour).save(pictures / f"{name}.png")
    sources = (examples / "flowers", examples / "clock.py", TASKS / "trivial.py", TASKS / "pages.py")
    with serving(data, *sources, FRONTDESK_TEST_MENDED=str(data / "mended")) as server:
        until(lambda: server.predict("flowers").status_code == 200, 30, "the first version")
        yield server


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                # A camera that shows a moving pattern, for those pages that are allowed to use it.
                "--use-fake-device-for-media-stream",
            ],
        )  # fmt: skip
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """Open a page of the server; whatever the browser's console complains about fails the test."""
    complaints: list[str] = []
    contexts = []

    def open_page(path: str, device: str = "desktop", **options: object) -> Page:
        width, height = SIZES[device]
        context = browser.new_context(viewport={"width": width, "height": height}, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if "Content Security" in message.text else None,
        )
        page.goto(server.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
