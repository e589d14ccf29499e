"""Signing in at the organisation's own sign-on service."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.access.oidc import Provider
from frontdesk.errors import Forbidden, NotFound
from frontdesk.serve.admission import address_of, keep_visitor, visitor_secret
from frontdesk.serve.services import services_of
from frontdesk.serve.signing import gate_of, own_address, refuse_eavesdroppers, signed_in
from frontdesk.serve.threads import in_thread

_NO_COOKIE = "Your browser came back without the cookie it left with. Allow cookies, then sign in again."


async def leave(request: Request) -> Response:
    """GET /signin/oidc?next=: off to the service."""
    provider = _provider(request)
    refuse_eavesdroppers(request)
    target = own_address(request.query_params.get("next", "/"))
    keep_visitor(request)
    secret, _ = visitor_secret(request)
    address = await in_thread(provider.address, secret, _back(request), target)
    return RedirectResponse(address, 303, headers={"Cache-Control": "no-store"})


async def come_back(request: Request) -> Response:
    """GET /signin/oidc/back?code=&state=: with what the service says."""
    provider, gate = _provider(request), gate_of(request)
    secret, is_new = visitor_secret(request)
    if is_new or not secret:
        raise Forbidden(_NO_COOKIE)
    code, state = request.query_params.get("code", ""), request.query_params.get("state", "")
    if not code:
        raise Forbidden("The sign-on service refused this sign-in.")
    identity, target = await in_thread(provider.identity, secret, _back(request), state, code)
    session = await in_thread(gate.sign_in_as, identity, address_of(request))
    return signed_in(request, session, own_address(target))


def _provider(request: Request) -> Provider:
    provider = services_of(request).provider
    if provider is None:
        raise NotFound("This server has no single sign-on.")
    return provider


def _back(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}/signin/oidc/back"
