"""What one was told, and the choice of what to be told: in the page, by mail, in the chat, by webhooks."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.desk.job import JobState, Lane
from frontdesk.desk.telling import Channel, Wishes
from frontdesk.errors import FrontdeskError, InvalidInput, NotFound
from frontdesk.serve.forms import read_form
from frontdesk.serve.pages.rendering import page
from frontdesk.serve.recording import record
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import owner_of

_ON_A_PAGE = 50
_FIELD_BYTES = 4000
_OUTCOMES = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)
_LANES = (Lane.BATCH, Lane.TRAIN, Lane.PREDICT)


async def show_notices(request: Request) -> Response:
    """GET /notices?before="""
    before = request.query_params.get("before")
    found = await in_thread(
        services_of(request).telling.notices, owner_of(request), limit=_ON_A_PAGE + 1, before=before
    )
    more = found[_ON_A_PAGE - 1].id if len(found) > _ON_A_PAGE else None
    return page(request, "notices.html", notices=found[:_ON_A_PAGE], next=more)


async def read_notices(request: Request) -> Response:
    """POST /notices/read: all of them."""
    await in_thread(services_of(request).telling.read, owner_of(request), None)
    return RedirectResponse("/notices", 303)


async def show_settings(request: Request) -> Response:
    """GET /notices/settings"""
    return await _settings(request)


async def choose(request: Request) -> Response:
    """POST /notices/settings: what is ticked."""
    fields = await _fields(request)
    wanted = Wishes(
        page=_ticked(fields, "page", Lane),
        mail=_ticked(fields, "mail", Lane),
        chat=_ticked(fields, "chat", Lane),
        outcomes=_ticked(fields, "outcome", JobState),
    )
    await in_thread(services_of(request).telling.choose, owner_of(request), wanted)
    return await _settings(request, said="It is kept.")


async def add_webhook(request: Request) -> Response:
    """POST /notices/webhooks: the secret is shown in the answer, and never again."""
    fields = await _fields(request)
    kinds, outcomes = _ticked(fields, "kind", Lane), _ticked(fields, "outcome", JobState)
    name, url = fields.get("name", "").strip(), fields.get("url", "").strip()
    try:
        webhook, secret = await in_thread(
            services_of(request).webhooks.add, owner_of(request), url, name, kinds, outcomes
        )
    except InvalidInput as refusal:
        faults = {fault.pointer.strip("/"): fault.detail for fault in refusal.faults}
        return await _settings(request, faults=faults, filled=fields)
    await record(request, "webhook.added", webhook.id, url=webhook.url)
    return await _settings(request, secret=secret)


async def show_webhook(request: Request) -> Response:
    """GET /notices/webhooks/{id}: its last messages."""
    services, which = services_of(request), (request.path_params["id"], owner_of(request))
    webhook = await in_thread(services.webhooks.get, *which)
    return page(
        request, "webhook.html", webhook=webhook, deliveries=await in_thread(services.webhooks.log, *which)
    )


async def change_webhook(request: Request) -> Response:
    """POST /notices/webhooks/{id}/{verb}: a button. `replay` has the message in its form."""
    services, webhook_id, owner = services_of(request), request.path_params["id"], owner_of(request)
    verb, address = request.path_params["verb"], f"/notices/webhooks/{webhook_id}"
    fields = await _fields(request)
    try:
        await in_thread(_do, services, verb, webhook_id, owner, fields.get("delivery", ""))
    except FrontdeskError as refusal:
        if isinstance(refusal, NotFound):
            raise
        return await _settings(request, faults={"webhook": str(refusal)})
    if verb in ("test", "replay"):
        services.engine.announce([webhook_id])
        return RedirectResponse(address, 303)
    await record(request, f"webhook.{verb}", webhook_id)
    return RedirectResponse("/notices/settings" if verb == "remove" else address, 303)


def _do(services: Services, verb: str, webhook_id: str, owner: str, delivery_id: str) -> None:
    webhooks = services.webhooks
    match verb:
        case "test":
            webhooks.test(webhook_id, owner)
        case "replay":
            webhooks.replay(webhook_id, owner, delivery_id)
        case "pause" | "resume":
            webhooks.change(webhook_id, owner, active=verb == "resume")
        case "remove":
            webhooks.remove(webhook_id, owner)
        case _:
            raise NotFound("There is nothing of that name to do with a webhook.")


async def _settings(
    request: Request,
    *,
    said: str = "",
    secret: str = "",
    faults: dict[str, str] | None = None,
    filled: dict[str, str] | None = None,
) -> Response:
    services, owner = services_of(request), owner_of(request)
    return page(
        request, "telling.html", 422 if faults else 200,
        wishes=await in_thread(services.telling.wishes, owner),
        webhooks=await in_thread(services.webhooks.list, owner),
        has_mail=Channel.MAIL in services.ways, has_chat=Channel.CHAT in services.ways,
        lanes=_LANES, outcomes=_OUTCOMES, said=said, secret=secret, faults=faults or {}, filled=filled or {},
    )  # fmt: skip


async def _fields(request: Request) -> dict[str, str]:
    async with read_form(request, _FIELD_BYTES) as parts:
        return {name: str(part.value()) for name, part in parts.items()}


def _ticked(fields: dict[str, str], name: str, kind: type[Any]) -> frozenset[Any]:
    """The members of an enumeration whose boxes `NAME-MEMBER` are ticked."""
    return frozenset(member for member in kind if f"{name}-{member}" in fields)
