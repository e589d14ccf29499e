"""A cast for tests of who may: an installation with sign-in, somebody of each role, and nobody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx

from frontdesk.access.audit import By
from frontdesk.access.caller import User
from frontdesk.access.rules import Action, Role
from support.web import Web

PASSWORD = "correct horse battery"
BY = By("test")


class Guarded(Web):
    """A server with sign-in. `ann` and `bob` are members, `vera` a viewer, `tom` a trainer, `ada` the administrator."""

    def __init__(self, folder: Path, *sources: Path, **more: Any) -> None:
        super().__init__(folder, *sources, access="accounts", **more)
        self.gate = self.installation.gate
        self.users: dict[str, User] = {}
        for name, role in (
            ("ada", Role.ADMIN), ("ann", Role.MEMBER), ("bob", Role.MEMBER), ("vera", Role.VIEWER),
            ("tom", Role.TRAINER),
        ):  # fmt: skip
            self.users[name] = self.gate.users.add(BY, f"{name}@example.org", name, role, PASSWORD)

    def token(self, name: str, *scopes: Action, **more: Any) -> str:
        """A token of somebody; with all scopes unless some are given."""
        _, secret = self.gate.tokens.add(BY, self.users[name].id, "test", frozenset(scopes or Action), **more)
        return secret

    def program(self, name: str | None, *scopes: Action, **more: Any) -> httpx.Client:
        """A client that shows a token of somebody; of nobody, that shows nothing."""
        headers = {} if name is None else {"Authorization": f"Bearer {self.token(name, *scopes, **more)}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def signing_in(self, name: str) -> int:
        """Sign in with the password everybody began with; give the status."""
        with self.browser() as browser:
            return browser.sign_in(name).status_code

    def browser(self) -> Browser:
        """A client that keeps cookies and asks for pages."""
        return Browser(self.url)


class Browser(httpx.Client):
    """What a person without scripts does: open pages, fill in forms, press buttons."""

    def __init__(self, url: str, **more: Any) -> None:
        super().__init__(base_url=url, headers={"Accept": "text/html"}, timeout=30, **more)

    def code(self, address: str) -> str:
        """The code that the forms of a page send along."""
        found = re.search(r'name="fd-csrf" value="([^"]+)"', self.get(address).text)
        assert found, address
        return found[1]

    def press(self, page: str, address: str, **fields: str) -> httpx.Response:
        """Send a form of a page."""
        return self.post(address, data={"fd-csrf": self.code(page), **fields})

    def sign_in(self, name: str, password: str = PASSWORD, target: str = "/") -> httpx.Response:
        fields = {"email": f"{name}@example.org", "password": password, "next": target}
        return self.press("/signin", "/signin", **fields)
