"""Every form that changes something begins with the field that tells our own pages from others'."""

from __future__ import annotations

import re
from pathlib import Path


def test_every_form_that_posts_begins_with_its_code(repository: Path) -> None:
    templates = sorted((repository / "src" / "frontdesk" / "serve" / "templates").rglob("*.html"))
    forms = [
        (template.name, found[0])
        for template in templates
        for found in re.finditer(
            r'<form[^>]*method="post"[^>]*>\s*(\{\{ csrf_field \}\})?', template.read_text()
        )
    ]
    assert len(forms) > 10
    assert [form for form in forms if "csrf_field" not in form[1]] == []


def test_what_has_such_a_form_and_is_imported_knows_the_code(repository: Path) -> None:
    templates = (repository / "src" / "frontdesk" / "serve" / "templates").rglob("*.html")
    imports = [line for template in templates for line in re.findall(r"{% from .* %}", template.read_text())]
    assert [line for line in imports if "job_button" in line and "with context" not in line] == []
