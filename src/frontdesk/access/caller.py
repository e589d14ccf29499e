"""Who asks, as all the rest of the code sees it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from frontdesk.access.rules import Action, Role, Rules

ALL_SCOPES = frozenset(Action)
LOCAL_OWNER = "local"
VISITOR_PREFIX = "visitor:"


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can sign in. A limit of None is the one of the settings; 0 is no limit."""

    id: str
    email: str
    name: str
    role: Role
    active: bool
    created_at: datetime
    jobs_waiting_limit: int | None = None
    stored_bytes_limit: int | None = None
    requests_limit: int | None = None


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever sent a request, and what they may do.

    `owner` is what their jobs and files belong to. `role` is None for somebody who has not signed in.
    `scopes` and `tasks` are less than everything only for a token that was made so.
    `session` and `token` are the ids of what they came with; at most one of them is there.
    """

    owner: str
    user: User | None = None
    role: Role | None = None
    scopes: frozenset[Action] = ALL_SCOPES
    tasks: frozenset[str] | None = None
    rules: Rules = Rules()
    session: str | None = None
    token: str | None = None

    def may(self, action: Action, task: str | None = None) -> bool:
        """Whether they may do this; with a task, with that task."""
        if action not in self.scopes or (
            task is not None and self.tasks is not None and task not in self.tasks
        ):
            return False
        least = self.rules.least(action, task)
        return least is None or (self.role is not None and self.role.reaches(least))

    @property
    def is_visitor(self) -> bool:
        """Whether they have not signed in."""
        return self.role is None

    @property
    def is_admin(self) -> bool:
        """Whether they may administer, and see what belongs to others."""
        return self.role is Role.ADMIN and Action.ADMIN in self.scopes


LOCAL = Caller(owner=LOCAL_OWNER, role=Role.ADMIN)
"""The one user of an installation without sign-in: whoever can connect, which is this machine alone."""
