"""/api/webhooks: addresses that are told when one's jobs end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.desk.job import JobState, Lane
from frontdesk.desk.webhooks import Delivery, Webhook
from frontdesk.serve.api.reading import json_response, known_query
from frontdesk.serve.api.structs import read_struct
from frontdesk.serve.recording import record
from frontdesk.serve.services import services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import owner_of

_KINDS = frozenset({Lane.BATCH, Lane.TRAIN})
_OUTCOMES = frozenset({JobState.SUCCEEDED, JobState.FAILED})


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to send where. `kinds` of jobs and `outcomes` of theirs that are told."""

    url: str
    name: str = ""
    kinds: frozenset[Lane] = _KINDS
    outcomes: frozenset[JobState] = _OUTCOMES


class WebhookChange(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What shall be different."""

    url: str | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    kinds: frozenset[Lane] | msgspec.UnsetType = msgspec.UNSET
    outcomes: frozenset[JobState] | msgspec.UnsetType = msgspec.UNSET
    active: bool | msgspec.UnsetType = msgspec.UNSET


class WebhookDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook. `secret` is there once, in the answer that made it. `failing_since` is null while all arrives."""

    id: str
    name: str
    url: str
    kinds: list[Lane]
    outcomes: list[JobState]
    active: bool
    created_at: datetime
    failing_since: datetime | None
    secret: str | None = None


class WebhooksDocument(msgspec.Struct, frozen=True, kw_only=True):
    """All of one's webhooks."""

    items: list[WebhookDocument]
    next: None = None


class DeliveriesDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The last messages of a webhook, the newest first."""

    items: list[Delivery]
    next: None = None


class SentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is on its way: its id is the header `webhook-id`."""

    id: str


async def list_webhooks(request: Request) -> Response:
    """GET /api/webhooks"""
    known_query(request)
    found = await in_thread(services_of(request).webhooks.list, owner_of(request))
    return json_response(WebhooksDocument(items=[document(webhook) for webhook in found]))


async def add_webhook(request: Request) -> Response:
    """POST /api/webhooks"""
    new = await read_struct(request, NewWebhook)
    webhook, secret = await in_thread(
        services_of(request).webhooks.add, owner_of(request), new.url, new.name, new.kinds, new.outcomes
    )
    await record(request, "webhook.added", webhook.id, url=webhook.url)
    headers = {"Location": f"/api/webhooks/{webhook.id}", "Cache-Control": "no-store"}
    return json_response(document(webhook, secret), 201, headers)


async def show_webhook(request: Request) -> Response:
    """GET /api/webhooks/{id}"""
    return json_response(document(await in_thread(services_of(request).webhooks.get, *_which(request))))


async def change_webhook(request: Request) -> Response:
    """PATCH /api/webhooks/{id}"""
    wanted = await read_struct(request, WebhookChange)
    changes: dict[str, Any] = {
        name: value
        for name in wanted.__struct_fields__
        if (value := getattr(wanted, name)) is not msgspec.UNSET
    }
    webhook = await in_thread(services_of(request).webhooks.change, *_which(request), **changes)
    await record(request, "webhook.changed", webhook.id, url=webhook.url, active=webhook.active)
    return json_response(document(webhook))


async def remove_webhook(request: Request) -> Response:
    """DELETE /api/webhooks/{id}"""
    await in_thread(services_of(request).webhooks.remove, *_which(request))
    await record(request, "webhook.removed", request.path_params["id"])
    return Response(status_code=204)


async def test_webhook(request: Request) -> Response:
    """POST /api/webhooks/{id}/test"""
    sent = await in_thread(services_of(request).webhooks.test, *_which(request))
    return _under_way(request, sent)


async def list_deliveries(request: Request) -> Response:
    """GET /api/webhooks/{id}/deliveries"""
    known_query(request)
    found = await in_thread(services_of(request).webhooks.log, *_which(request))
    return json_response(DeliveriesDocument(items=list(found)))


async def replay_delivery(request: Request) -> Response:
    """POST /api/webhooks/{id}/deliveries/{delivery}/replay"""
    delivery_id = request.path_params["delivery"]
    sent = await in_thread(services_of(request).webhooks.replay, *_which(request), delivery_id)
    return _under_way(request, sent)


def document(webhook: Webhook, secret: str | None = None) -> WebhookDocument:
    """A webhook as the API shows it."""
    return WebhookDocument(
        id=webhook.id, name=webhook.name, url=webhook.url, kinds=sorted(webhook.kinds),
        outcomes=sorted(webhook.outcomes), active=webhook.active, created_at=webhook.created_at,
        failing_since=webhook.failing_since, secret=secret,
    )  # fmt: skip


def _under_way(request: Request, delivery_id: str) -> Response:
    services_of(request).engine.announce([delivery_id])  # whoever sends looks at once
    return json_response(SentDocument(id=delivery_id), 202)


def _which(request: Request) -> tuple[str, str]:
    return request.path_params["id"], owner_of(request)
