"""Every page of the docs: what it runs, runs; what it links to, is there."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.servers.objects import ACCESS_KEY, SECRET_KEY, ObjectServer
from support.servers.postgres import Postgres
from support.servers.redis import RedisServer
from support.walkthrough import Walkthrough

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PAGES = sorted(
    [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("examples/**/*.md")]
)
WALKED = [page for page in PAGES if page.parent.name in ("tutorial", "how-to")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_its_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", WALKED, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_command_of_it_runs(page: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        variables = {}
        if "$DATABASE" in page.read_text():
            variables["DATABASE"] = stack.enter_context(Postgres(durable=False)).new_database()
        if "$REDIS" in page.read_text():
            variables["REDIS"] = stack.enter_context(RedisServer()).url()
        if "$S3_BUCKET" in page.read_text():
            objects = stack.enter_context(ObjectServer(tmp_path / "objects"))
            objects.make_bucket("fruit")
            variables |= {
                "S3_BUCKET": "fruit", "S3_ENDPOINT": objects.url,
                "S3_ACCESS_KEY": ACCESS_KEY, "S3_SECRET_KEY": SECRET_KEY,
            }  # fmt: skip
        stack.enter_context(Walkthrough(REPOSITORY, home=tmp_path, **variables)).follow(page)


def test_the_readme_starts_with_commands_that_exist(repository: Path) -> None:
    readme = (repository / "README.md").read_text()
    targets = set(re.findall(r"^make ([a-z-]+)", readme, re.MULTILINE))
    assert {"serve", "test"} <= targets
    makefile = (repository / "Makefile").read_text()
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_numbers_of_decisions_are_never_used_twice() -> None:
    names = [page.name for page in sorted(REPOSITORY.glob("docs/decisions/[0-9]*.md"))]
    numbers = [name[:4] for name in names]
    assert [name for name in names if numbers.count(name[:4]) > 1] == []
