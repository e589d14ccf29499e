"""Every way a picture gets into a form."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

SIZE = (90, 30)


@pytest.fixture
def blue(tmp_path: Path) -> Path:
    path = tmp_path / "blue.png"
    Image.new("RGB", SIZE, "blue").save(path)
    return path


def ask(page: Page) -> None:
    page.get_by_role("button", name="Ask", exact=True).click()


def hand_over(page: Page, event: str, target: str, picture: Path) -> None:
    """What a browser does when a person drops or pastes a file."""
    page.evaluate(
        """([event, target, content]) => {
            const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
            const files = new DataTransfer();
            files.items.add(new File([bytes], "blue.png", { type: "image/png" }));
            const how = { bubbles: true, cancelable: true, dataTransfer: files, clipboardData: files };
            const Kind = event === "paste" ? ClipboardEvent : DragEvent;
            document.querySelector(target).dispatchEvent(new Kind(event, how));
        }""",
        [event, target, base64.b64encode(picture.read_bytes()).decode()],
    )


@pytest.mark.parametrize("way", ["picker", "drop", "paste"])
def test_a_picture_of_ones_own(visit, way: str, blue: Path) -> None:
    page = visit("/tasks/look")
    if way == "picker":
        page.get_by_label("Picture", exact=True).set_input_files(blue)
    else:
        hand_over(page, way, ".drop" if way == "drop" else "main", blue)
    expect(page.locator(".preview")).to_be_visible()
    assert page.locator(".preview").evaluate("async (p) => (await p.decode(), p.naturalWidth)") == SIZE[0]
    ask(page)
    expect(page.locator("#answer .text")).to_have_text("90 x 30, blue")
    assert page.locator("#answer .output").evaluate("(p) => p.naturalWidth") == 16


def test_a_picture_of_the_gallery_and_then_another(visit, blue: Path) -> None:
    page = visit("/tasks/look")
    page.get_by_role("radio", name="A red one").check(force=True)
    ask(page)
    expect(page.locator("#answer .text")).to_have_text("60 x 40, red")
    page.get_by_role("radio", name="A green one").check(force=True)
    ask(page)
    expect(page.locator("#answer .text")).to_have_text("60 x 40, green")
    page.get_by_label("Picture", exact=True).set_input_files(blue)
    expect(page.get_by_role("radio", name="A green one")).not_to_be_checked()
    ask(page)
    expect(page.locator("#answer .text")).to_have_text("90 x 30, blue")
    page.get_by_role("radio", name="A red one").check(force=True)
    expect(page.locator(".preview")).to_be_hidden()
    ask(page)
    expect(page.locator("#answer .text")).to_have_text("60 x 40, red")


def test_a_picture_of_the_camera(visit) -> None:
    page = visit("/tasks/look", permissions=["camera"])
    page.get_by_role("button", name="Use the camera").click()
    page.wait_for_timeout(500)  # until the first frame is there
    page.get_by_role("button", name="Take the picture").click()
    expect(page.locator(".preview")).to_be_visible()
    ask(page)
    expect(page.locator("#answer .text")).to_contain_text(" x ")


def test_a_camera_that_may_not_be_used(visit) -> None:
    page = visit("/tasks/look")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_text("The camera cannot be used.")).to_be_visible()
    expect(page.get_by_role("button", name="Take the picture")).to_be_disabled()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("dialog")).to_have_count(0)


def test_a_question_without_its_picture_is_told_so(visit) -> None:
    page = visit("/tasks/look")
    ask(page)
    expect(page.locator("#answer .fault")).to_contain_text("Picture")
    expect(page.get_by_label("Picture", exact=True)).to_be_focused()


def test_what_is_no_picture_is_refused_in_words(visit, tmp_path: Path) -> None:
    path = tmp_path / "letter.png"
    path.write_text("Dear Sir or Madam")
    page = visit("/tasks/look")
    page.get_by_label("Picture", exact=True).set_input_files(path)
    ask(page)
    expect(page.locator("#answer .fault")).to_contain_text("picture")


def test_a_drawing(visit) -> None:
    page = visit("/tasks/ink")
    canvas = page.locator("canvas").bounding_box()
    assert canvas is not None
    page.mouse.move(canvas["x"] + 40, canvas["y"] + 140)
    page.mouse.down()
    page.mouse.move(canvas["x"] + 240, canvas["y"] + 140, steps=8)
    page.mouse.up()
    ask(page)
    expect(page.locator("#answer .answer")).to_be_visible()
    drawn = float(page.locator("#answer .answer").inner_text())
    assert 0.03 < drawn < 0.15
    page.get_by_role("button", name="Clear the drawing").click()
    assert is_blank(page)
    ask(page)
    expect(page.locator("#answer .fault")).to_contain_text("Drawing")


def is_blank(page: Page) -> bool:
    content = page.locator("canvas").evaluate("(c) => c.toDataURL().split(',')[1]")
    return Image.open(io.BytesIO(base64.b64decode(content))).convert("L").getextrema() == (0, 0)


def stroke(page: Page) -> None:
    canvas = page.locator("canvas").bounding_box()
    assert canvas is not None
    page.mouse.move(canvas["x"] + 60, canvas["y"] + 60)
    page.mouse.down()
    page.mouse.move(canvas["x"] + 200, canvas["y"] + 200, steps=4)
    page.mouse.up()


def test_a_stroke_asks_by_itself_and_the_canvas_clears_unless_it_is_told_not_to(visit, blue: Path) -> None:
    page = visit("/tasks/ink")
    page.clock.install()
    stroke(page)
    expect(page.locator("#answer .answer")).not_to_have_text("0")
    page.clock.fast_forward(4000)
    assert not is_blank(page)
    page.clock.fast_forward(1500)
    assert is_blank(page)
    expect(page.locator("#answer .answer")).to_be_visible()  # what was answered stays
    page.get_by_label("Clear it 5 seconds after").uncheck()
    page.reload()
    expect(page.get_by_label("Clear it 5 seconds after")).not_to_be_checked()
    stroke(page)
    expect(page.locator("#answer .answer")).to_be_visible()
    page.clock.fast_forward(60_000)
    assert not is_blank(page)
    page.get_by_label("Drawing", exact=True).set_input_files(blue)
    assert is_blank(page)  # a picture takes the place of the drawing
    expect(page.locator(".preview")).to_be_visible()


def test_a_drawing_by_touch(visit) -> None:
    page = visit("/tasks/ink", "phone", has_touch=True)
    page.locator("canvas").tap()
    ask(page)
    expect(page.locator("#answer .answer")).not_to_have_text("0")
