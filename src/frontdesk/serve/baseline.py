"""What to compare with where nothing is known of what a version learned from: the first questions it was asked."""

from __future__ import annotations

from frontdesk.catalog.profiles import profile
from frontdesk.declare.signature import TaskCard
from frontdesk.errors import Conflict, Fault, InvalidInput
from frontdesk.monitor.collected import Row
from frontdesk.serve.services import Services
from frontdesk.store.ids import new_id

LEAST_ROWS = 100
_ROWS_MOST = 1000


def take(services: Services, card: TaskCard, model: str | None, version: int | None) -> None:
    """Make a profile of the oldest questions that were kept. Raises InvalidInput, Conflict where there are too few."""
    if model is None or version is None:
        raise InvalidInput.of([Fault("/version", "Name the model and the version.")])
    pages = services.monitor.collected.rows(card.name, model=model, version=version, limit=_ROWS_MOST)
    rows = [row for page in pages for row in page]
    if len(rows) < LEAST_ROWS:
        raise Conflict(f"It takes {LEAST_ROWS} kept questions to compare with; there are {len(rows)}.")
    columns = {field.name: [row.inputs.get(field.name) for row in rows] for field in card.signature.inputs}
    made = profile(
        card.signature.inputs, columns, _answers(card, rows), profile_id=new_id(), source="questions"
    )
    if made is None:
        raise Conflict("Nothing can be said of the inputs of this task.")
    services.monitor.watching.profiles.put(card.name, model, version, made)


def _answers(card: TaskCard, rows: list[Row]) -> list[str] | None:
    name = card.signature.outputs[0].name
    answers = [row.said[name].answer for row in rows if name in row.said]
    return [answer for answer in answers if isinstance(answer, str)] or None
