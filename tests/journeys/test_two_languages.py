"""One task, answered in two languages, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from support.server import serving


def test_the_picker_switches_between_python_and_javascript(visit) -> None:
    page = visit("/tasks/flowers")
    page.get_by_label("Petal length").fill("1.4")
    page.get_by_label("Petal width").fill("0.2")
    for model in ("Neural net in JavaScript", "Neural net in Python"):
        page.get_by_text(model).first.click()
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.locator("#answer .answer")).to_have_text("Setosa", timeout=20_000)
        expect(page.locator("#answer")).to_contain_text(
            re.compile("javascript|node|python|mlp", re.IGNORECASE)
        )


def test_both_are_asked_and_compared(visit) -> None:
    page = visit("/tasks/flowers")
    page.get_by_label("Petal length").fill("1.4")
    page.get_by_label("Petal width").fill("0.2")
    page.get_by_role("button", name="Ask all").click()
    expect(page.locator("#answer .result")).to_have_count(2, timeout=20_000)
    expect(page.locator(".agreement")).to_have_text(re.compile("2 of 2|[Bb]oth|[Aa]ll"))


def test_the_page_says_that_a_back_end_does_not_answer(repository: Path, tmp_path: Path, browser) -> None:
    source = tmp_path / "shout.py"
    source.write_text(
        "import frontdesk as fd\n\n\nclass Shout(fd.RemoteModel):\n    task = 'shout'\n"
        "    url = 'http://127.0.0.1:9'\n\n    def predict(self, text: str = 'hello') -> str: ...\n"
    )
    with serving(tmp_path / "data", source) as server:
        page = browser.new_page()
        page.goto(f"{server.url}/tasks/shout")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.locator("#answer")).to_contain_text("This back end does not answer")
        expect(page.locator("#answer")).to_contain_text("nobody listens at its address")
        page.goto(f"{server.url}/tasks/shout/models")
        expect(page.locator(".model")).to_contain_text("This back end did not answer the last time")
        page.close()
        for prefer in ("", "respond-async, wait=10"):
            response = server.http.post(
                "/api/tasks/shout/predict", json={"inputs": {}}, headers={"Prefer": prefer} if prefer else {}
            )
            assert response.status_code == 503, prefer
            assert "This back end does not answer" in response.json()["detail"]
            assert int(response.headers["Retry-After"]) >= 1
