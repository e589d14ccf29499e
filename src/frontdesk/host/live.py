"""Which host answers for each model's live version, and how another one takes over.

The one before answers until the new one is ready; then it is asked no more and ends when it has answered all it was
sent. So a change of versions keeps nobody waiting, and a version that cannot be loaded answers nobody.
"""

from __future__ import annotations

import logging

from frontdesk.declare.signature import ModelCard, TaskCard
from frontdesk.host.keeper import Keeper

log = logging.getLogger(__name__)

ModelName = tuple[str, str]

FOLLOWED = ("ready", "untrained")
"""Whose models may get another version, or their first."""


class LiveKeepers:
    """The keepers that are asked where no version is."""

    def __init__(self) -> None:
        self._live: dict[ModelName, Keeper] = {}

    def of(self, name: ModelName) -> Keeper | None:
        """Who answers now."""
        return self._live.get(name)

    def answering(self, keeper: Keeper) -> Keeper:
        """Who answers while `keeper` is that of the live version: the one before it, as long as that can."""
        before = self._live.get(_name(keeper))
        if before is None or before.state != "ready":
            self._live[_name(keeper)] = before = keeper
        return before

    async def change_over(self, before: Keeper, keeper: Keeper) -> None:
        """Let `keeper` answer instead, once it is ready; at once where there was nothing to answer with."""
        if before.state == "untrained":
            self.answering(keeper).want()
            return
        was_broken = keeper.state == "broken"
        keeper.want()
        await keeper.settled()
        if keeper.state == "ready":
            self._live[_name(keeper)] = keeper
            before.retire()
        elif not was_broken:
            log.warning(
                "version %s of %s of %s cannot answer (%s), so version %s still does",
                keeper.number, keeper.model.name, keeper.task.name, keeper.reason, before.number,
            )  # fmt: skip

    def trainable(self) -> list[tuple[TaskCard, ModelCard]]:
        """The models that may get another version."""
        followed = [keeper for keeper in self._live.values() if keeper.state in FOLLOWED]
        return [(keeper.task, keeper.model) for keeper in followed if keeper.model.trains]

    def is_done_with(self, keeper: Keeper) -> bool:
        """Whether it has ended, and another one answers for its model."""
        is_live = self._live.get(_name(keeper)) is keeper
        return not is_live and keeper.state == "stopped" and not keeper.pid


def _name(keeper: Keeper) -> ModelName:
    return keeper.task.name, keeper.model.name
