"""Signing in and out, and the links that work once."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.errors import Forbidden, InvalidInput, NotFound, TooManyRequests
from frontdesk.serve.admission import address_of
from frontdesk.serve.forms import read_form
from frontdesk.serve.pages.rendering import page
from frontdesk.serve.problems import Problem, problem_of
from frontdesk.serve.services import services_of
from frontdesk.serve.signing import by, gate_of, own_address, refuse_eavesdroppers, signed_in, signed_out
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import caller_of

_FIELD_BYTES = 4096


async def show_sign_in(request: Request) -> Response:
    """GET /signin?next="""
    target = own_address(request.query_params.get("next", "/"))
    gate_of(request)
    if not caller_of(request).is_visitor:
        return RedirectResponse(target, 303)
    return _page(request, 200, target, "", "")


async def sign_in(request: Request) -> Response:
    """POST /signin"""
    gate = gate_of(request)
    refuse_eavesdroppers(request)
    fields = await texts(request, "email", "password", "next")
    target = own_address(fields["next"])
    try:
        secret = await in_thread(gate.sign_in, fields["email"], fields["password"], address_of(request))
    except (Forbidden, TooManyRequests) as refusal:
        problem = problem_of(refusal)
        shown = _page(request, problem.status, target, problem.detail, fields["email"])
        shown.headers.update(problem.headers)
        return shown
    return signed_in(request, secret, target)


def _page(request: Request, status: int, target: str, refusal: str, email: str) -> Response:
    has_provider = services_of(request).provider is not None
    return page(
        request, "signin.html", status, target=target, refusal=refusal, email=email, has_provider=has_provider
    )


async def sign_out(request: Request) -> Response:
    """POST /signout"""
    session = caller_of(request).session
    if session is not None:
        await in_thread(gate_of(request).sessions.end, by(request), session)
    return signed_out(request)


async def show_welcome(request: Request) -> Response:
    """GET /welcome?code=: the link of an invitation."""
    return await _welcome(request, request.query_params.get("code", ""), {}, {})


async def accept_welcome(request: Request) -> Response:
    """POST /welcome: choose a password."""
    gate = gate_of(request)
    refuse_eavesdroppers(request)
    fields = await texts(request, "code", "email", "name", "password")
    try:
        secret = await in_thread(
            gate.invitations.accept, fields["code"], fields["email"], fields["name"], fields["password"],
            address_of(request),
        )  # fmt: skip
    except InvalidInput as refusal:
        faults = {fault.pointer.strip("/"): fault.detail for fault in refusal.faults}
        return await _welcome(request, fields["code"], fields, faults)
    except NotFound as gone:
        raise Problem(410, str(gone)) from None
    return signed_in(request, secret, "/")


async def _welcome(request: Request, code: str, fields: dict[str, str], faults: dict[str, str]) -> Response:
    try:
        invitation = await in_thread(gate_of(request).invitations.find, code)
    except NotFound as gone:
        raise Problem(410, str(gone)) from None
    return page(
        request, "welcome.html", 422 if faults else 200,
        user=invitation.user, code=code, fields=fields, faults=faults,
    )  # fmt: skip


async def texts(request: Request, *names: str) -> dict[str, str]:
    """The text fields of a form; one that was not sent is empty."""
    async with read_form(request, dict.fromkeys(names, _FIELD_BYTES)) as parts:
        values = {name: part.value() for name, part in parts.items()}
    return {name: str(values[name]) if isinstance(values.get(name), str) else "" for name in names}
