"""What OpenAPI says about users, tokens, rules and the record, and about signing in."""

from __future__ import annotations

import msgspec

from frontdesk.access.rules import PUBLIC, TASK_ACTIONS, Role
from frontdesk.serve.api.tokens import NewToken, TokenDocument, TokensDocument
from frontdesk.serve.api.users import (
    DeedsDocument,
    MeDocument,
    NewUser,
    RulesDocument,
    UserChange,
    UserDocument,
    UsersDocument,
)
from frontdesk.serve.openapi_paths import TASK, Json, answer, json_content, operation, parameter

ACCESS_DOCUMENTS: tuple[type[msgspec.Struct], ...] = (
    MeDocument, TokenDocument, TokensDocument, NewToken, UserDocument, UsersDocument, NewUser, UserChange,
    RulesDocument, DeedsDocument,
)  # fmt: skip

SECURITY_SCHEMES: Json = {
    "token": {
        "type": "http", "scheme": "bearer", "bearerFormat": "fd_...",
        "description": "A token of one's own, made on the account page or by POST /api/tokens.",
    },
    "session": {
        "type": "apiKey", "in": "cookie", "name": "__Host-frontdesk",
        "description": "A browser's session. Unsafe methods need the header X-CSRF-Token, which GET /api/me tells.",
    },
}  # fmt: skip

_ID = parameter("id", "path", {"type": "string", "format": "uuid"})
_ACTION = parameter("action", "path", {"enum": [str(action) for action in TASK_ACTIONS]})
_LEAST: Json = {"enum": [*map(str, Role), PUBLIC, None], "description": "null for what is usual."}


def _of(name: str) -> Json:
    return json_content({"$ref": f"#/components/schemas/{name}"})


def _body(schema: Json) -> Json:
    return {"required": True, "content": schema}


ACCESS_PATHS: Json = {
    "/api/me": {
        "get": operation(
            "show_me", "access", "Who you are here, and what you use",
            responses=answer("MeDocument", "You."), problems=(401,),
        )
    },
    "/api/tokens": {
        "get": operation(
            "list_tokens", "access", "Own tokens",
            responses=answer("TokensDocument", "Tokens, without their secrets."), problems=(401, 403),
        ),
        "post": operation(
            "add_token", "access", "Make a token", body=_body(_of("NewToken")),
            responses=answer("TokenDocument", "The token; its secret is never shown again.", "201"),
            problems=(400, 401, 403, 415, 422),
        ),
    },
    "/api/tokens/{id}": {
        "delete": operation(
            "revoke_token", "access", "Revoke a token, at once", parameters=[_ID],
            responses={"204": {"description": "Revoked."}}, problems=(401, 403, 404),
        )
    },
    "/api/users": {
        "get": operation(
            "list_users", "access", "Everybody",
            responses=answer("UsersDocument", "Users."), problems=(401, 403),
        ),
        "post": operation(
            "add_user", "access", "Add somebody", body=_body(_of("NewUser")),
            responses=answer("UserDocument", "The user, with the link they choose a password with.", "201"),
            problems=(400, 401, 403, 409, 415, 422),
        ),
    },
    "/api/users/{id}": {
        "get": operation(
            "show_user", "access", "One user", parameters=[_ID],
            responses=answer("UserDocument", "The user."), problems=(401, 403, 404),
        ),
        "patch": operation(
            "change_user", "access", "Change a user's role, name, limits, or whether they may come in",
            parameters=[_ID], body=_body(_of("UserChange")),
            responses=answer("UserDocument", "The user as they are now."),
            problems=(400, 401, 403, 404, 409, 415, 422),
        ),
    },
    "/api/users/{id}/invitation": {
        "post": operation(
            "invite_user", "access", "Make a link with which a user chooses a password", parameters=[_ID],
            responses=answer("UserDocument", "The user, with the link.", "201"), problems=(401, 403, 404),
        )
    },
    "/api/rules": {
        "get": operation(
            "list_rules", "access", "Who may do what with each task",
            responses=answer("RulesDocument", "Rules."), problems=(401, 403),
        )
    },
    "/api/rules/{task}/{action}": {
        "put": operation(
            "change_rule", "access", "Choose who may do this with a task", parameters=[TASK, _ACTION],
            body=_body(json_content({
                "type": "object", "required": ["least"], "additionalProperties": False,
                "properties": {"least": _LEAST},
            })),
            responses={"204": {"description": "It holds."}}, problems=(400, 401, 403, 404, 415, 422),
        )
    },
    "/api/audit": {
        "get": operation(
            "list_audit", "access", "What was done, the newest first",
            parameters=[
                parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}),
                parameter("cursor", "query", {"type": "string"}, "`next` of the page before."),
            ],
            responses=answer("DeedsDocument", "One page of the record."), problems=(401, 403, 422),
        )
    },
}  # fmt: skip
