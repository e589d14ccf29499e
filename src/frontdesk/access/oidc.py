"""Single sign-on by OpenID Connect: the code flow with PKCE, at one provider.

What has to be remembered between leaving for the provider and coming back is made from the secret of the
browser's own cookie, so nothing is stored and nobody else's answer is taken for theirs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib.util
import secrets
import threading
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

import httpx

from frontdesk.errors import Forbidden, FrontdeskError, SettingsError

_TIMEOUT_S = 10.0
_LEEWAY_S = 30


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider vouches for. `email` is empty unless the provider says it is theirs."""

    subject: str
    email: str
    name: str


class Provider:
    """One provider, whose addresses and keys are read from it when they are first needed."""

    def __init__(self, issuer: str, client_id: str, client_secret: str) -> None:
        self._issuer, self._client_id, self._client_secret = issuer.rstrip("/"), client_id, client_secret
        self._found: dict[str, Any] | None = None
        self._gate = threading.Lock()

    @classmethod
    def at(cls, issuer: str, client_id: str, client_secret: str) -> Self | None:
        """The provider of this address; None where there is none. Raises SettingsError."""
        if issuer and importlib.util.find_spec("authlib") is None:
            raise SettingsError("Single sign-on needs a package more: pip install 'frontdesk[oidc]'.")
        return cls(issuer, client_id, client_secret) if issuer else None

    def address(self, cookie: str, redirect_uri: str, target: str) -> str:
        """Where to send the browser; `target` is where it wants to be in the end."""
        from authlib.oauth2.rfc7636 import create_s256_code_challenge  # the extra `oidc`

        state = _state(cookie, secrets.token_urlsafe(16), target)
        query = {
            "response_type": "code", "client_id": self._client_id, "redirect_uri": redirect_uri,
            "scope": "openid email profile", "state": state, "nonce": _made(cookie, "nonce", state),
            "code_challenge": create_s256_code_challenge(_made(cookie, "verifier", state)),
            "code_challenge_method": "S256",
        }  # fmt: skip
        endpoint = str(self._metadata()["authorization_endpoint"])
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def identity(self, cookie: str, redirect_uri: str, state: str, code: str) -> tuple[Identity, str]:
        """Who came back, and where they wanted to be. Raises Forbidden."""
        salt, _, rest = state.partition(".")
        target = _decoded(rest.partition(".")[2])
        if not hmac.compare_digest(state.encode(), _state(cookie, salt, target).encode()):
            raise Forbidden("This answer of the sign-on service belongs to another browser. Sign in again.")
        token = self._exchange(code, redirect_uri, _made(cookie, "verifier", state))
        claims = self._checked(token, _made(cookie, "nonce", state))
        email = str(claims.get("email") or "") if claims.get("email_verified") is True else ""
        subject = f"{self._issuer}|{claims['sub']}"
        return Identity(subject, email, str(claims.get("name") or "")), target

    def _exchange(self, code: str, redirect_uri: str, verifier: str) -> str:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier,
        }  # fmt: skip
        auth = (self._client_id, self._client_secret)
        try:
            answer = httpx.post(self._metadata()["token_endpoint"], data=form, auth=auth, timeout=_TIMEOUT_S)
            if answer.is_success:
                return str(answer.json()["id_token"])
        except (httpx.TransportError, ValueError, KeyError) as error:
            raise FrontdeskError(
                "The sign-on service does not answer as it should. Try again later."
            ) from error
        raise Forbidden("The sign-on service did not accept this sign-in. Try again.")

    def _checked(self, token: str, nonce: str) -> dict[str, Any]:
        """The claims of an ID token, by OpenID Connect Core 3.1.3.7."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        algorithms = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
        options = {
            "iss": {"essential": True, "value": self._metadata()["issuer"]},
            "aud": {"essential": True, "value": self._client_id},
        }
        try:
            keys = KeySet.import_key_set(httpx.get(self._metadata()["jwks_uri"], timeout=_TIMEOUT_S).json())
            decoded = jwt.decode(token, keys, algorithms=algorithms)
            params = {"nonce": nonce, "client_id": self._client_id}
            claims = CodeIDToken(decoded.claims, decoded.header, options, params)
            claims.validate(leeway=_LEEWAY_S)
        except (JoseError, httpx.TransportError, ValueError) as error:
            raise Forbidden("The sign-on service's answer cannot be trusted. Sign in again.") from error
        return dict(decoded.claims)

    def _metadata(self) -> dict[str, Any]:
        with self._gate:
            if self._found is None:
                address = f"{self._issuer}/.well-known/openid-configuration"
                try:
                    found = dict(httpx.get(address, timeout=_TIMEOUT_S).raise_for_status().json())
                except (httpx.HTTPError, ValueError) as error:
                    raise FrontdeskError(f"The sign-on service {self._issuer} cannot be reached.") from error
                if str(found.get("issuer", "")).rstrip("/") != self._issuer:
                    raise FrontdeskError(f"The sign-on service {self._issuer} says it is another one.")
                self._found = found
            return self._found


def _state(cookie: str, salt: str, target: str) -> str:
    kept = base64.urlsafe_b64encode(target.encode()).decode().rstrip("=")
    return f"{salt}.{_made(cookie, 'state', salt + kept)}.{kept}"


def _decoded(kept: str) -> str:
    try:
        return base64.urlsafe_b64decode(kept + "=" * (-len(kept) % 4)).decode()
    except ValueError:
        return "/"


def _made(cookie: str, purpose: str, salt: str) -> str:
    made = hmac.new(cookie.encode(), f"oidc {purpose} {salt}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")
