"""Who may do what with a task: the least role for each action, or nobody in particular (`public`)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from frontdesk.errors import SettingsError

PUBLIC = "public"
ANY_TASK = "*"


class Role(StrEnum):
    """What somebody is here. Each may do all that those before it may."""

    VIEWER = "viewer"
    MEMBER = "member"
    TRAINER = "trainer"
    ADMIN = "admin"

    def reaches(self, least: Role) -> bool:
        """Whether it is this role or one above."""
        return _RANKS[self] >= _RANKS[least]


def role_named(name: str) -> Role | None:
    """The role a setting names; None where it names none. Raises SettingsError."""
    if name and name not in set(Role):
        raise SettingsError(f"oidc_new_role = {name!r} must be one of {', '.join(Role)}.")
    return Role(name) if name else None


class Action(StrEnum):
    """What can be allowed. They are the scopes of tokens, too."""

    ASK = "ask"
    BATCH = "batch"
    TRAIN = "train"
    ADMIN = "admin"


_RANKS = {role: number for number, role in enumerate(Role)}

USUAL: Mapping[Action, Role] = {
    Action.ASK: Role.VIEWER,
    Action.BATCH: Role.MEMBER,
    Action.TRAIN: Role.TRAINER,
    Action.ADMIN: Role.ADMIN,
}
"""The least role where nothing else was chosen."""

TASK_ACTIONS = (Action.ASK, Action.BATCH, Action.TRAIN)


class Rules(msgspec.Struct, frozen=True):
    """What was chosen: by an administrator for (task, action), and in the settings for tasks to be asked in public."""

    chosen: Mapping[tuple[str, str], str] = {}
    public: frozenset[str] = frozenset()

    def least(self, action: Action, task: str | None) -> Role | None:
        """The least role that may; None where nobody needs to sign in."""
        if task is not None:
            chosen = self.chosen.get((task, action))
            if chosen is not None:
                return None if chosen == PUBLIC else Role(chosen)
            if action is Action.ASK and (task in self.public or ANY_TASK in self.public):
                return None
        return USUAL[action]

    @property
    def has_public(self) -> bool:
        """Whether there is anything to do for somebody who has not signed in."""
        return bool(self.public) or PUBLIC in self.chosen.values()
