"""What OpenAPI says about notices and webhooks."""

from __future__ import annotations

import msgspec

from frontdesk.desk.telling import Wishes
from frontdesk.serve.api.notices import NoticesDocument, ReadNotices
from frontdesk.serve.api.webhooks import (
    DeliveriesDocument,
    NewWebhook,
    SentDocument,
    WebhookChange,
    WebhookDocument,
    WebhooksDocument,
)
from frontdesk.serve.openapi_paths import PAGING, Json, answer, json_content, operation, parameter

TELLING_DOCUMENTS: tuple[type[msgspec.Struct], ...] = (
    NoticesDocument, ReadNotices, Wishes, NewWebhook, WebhookChange, WebhookDocument, WebhooksDocument,
    DeliveriesDocument, SentDocument,
)  # fmt: skip

_ID = parameter("id", "path", {"type": "string", "format": "uuid"})
_DELIVERY = parameter("delivery", "path", {"type": "string", "format": "uuid"})
_CHANGING = (400, 401, 413, 415, 422)


def _body(name: str) -> Json:
    return {"required": True, "content": json_content({"$ref": f"#/components/schemas/{name}"})}


TELLING_PATHS: Json = {
    "/api/notices": {
        "get": operation(
            "list_notices", "notices", "What you were told", parameters=PAGING,
            responses=answer("NoticesDocument", "One page of notices."), problems=(401, 422),
        )
    },
    "/api/notices/read": {
        "post": operation(
            "read_notices", "notices", "Mark notices as read", body=_body("ReadNotices"),
            responses={"204": {"description": "They are."}}, problems=_CHANGING,
        )
    },
    "/api/notices/wishes": {
        "get": operation(
            "show_wishes", "notices", "What you are told, and how",
            responses=answer("Wishes", "The choice."), problems=(401,),
        ),
        "put": operation(
            "choose_wishes", "notices", "Choose what you are told, and how", body=_body("Wishes"),
            responses=answer("Wishes", "The choice as it is now."), problems=_CHANGING,
        ),
    },
    "/api/webhooks": {
        "get": operation(
            "list_webhooks", "notices", "Own webhooks",
            responses=answer("WebhooksDocument", "Webhooks, without their secrets."), problems=(401,),
        ),
        "post": operation(
            "add_webhook", "notices", "Have an address told when jobs end", body=_body("NewWebhook"),
            responses=answer("WebhookDocument", "The webhook; its secret is never shown again.", "201"),
            problems=(*_CHANGING, 409),
        ),
    },
    "/api/webhooks/{id}": {
        "get": operation(
            "show_webhook", "notices", "One webhook", parameters=[_ID],
            responses=answer("WebhookDocument", "The webhook."), problems=(401, 404),
        ),
        "patch": operation(
            "change_webhook", "notices", "Change, pause or resume a webhook", parameters=[_ID],
            body=_body("WebhookChange"), responses=answer("WebhookDocument", "The webhook as it is now."),
            problems=(*_CHANGING, 404),
        ),
        "delete": operation(
            "remove_webhook", "notices", "Remove a webhook and its log", parameters=[_ID],
            responses={"204": {"description": "Removed."}}, problems=(401, 404),
        ),
    },
    "/api/webhooks/{id}/test": {
        "post": operation(
            "test_webhook", "notices", "Send a message that is about nothing", parameters=[_ID],
            responses=answer("SentDocument", "It is on its way.", "202"), problems=(401, 404, 409),
        )
    },
    "/api/webhooks/{id}/deliveries": {
        "get": operation(
            "list_deliveries", "notices", "The last messages of a webhook, and how they fared", parameters=[_ID],
            responses=answer("DeliveriesDocument", "Deliveries."), problems=(401, 404),
        )
    },
    "/api/webhooks/{id}/deliveries/{delivery}/replay": {
        "post": operation(
            "replay_delivery", "notices", "Send a message once more", parameters=[_ID, _DELIVERY],
            responses=answer("SentDocument", "It is on its way.", "202"), problems=(401, 404, 409),
        )
    },
}  # fmt: skip
