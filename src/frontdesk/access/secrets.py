"""Secrets that are handed out once and kept only as their digest."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_PREFIX = "fd_"  # noqa: S105  (what every token begins with, so that scanners for leaked secrets know one)


def new_secret(prefix: str = "") -> str:
    """256 random bits that can stand in an address, a cookie or a header."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored of a secret. It is random, so nobody can go through all there are: a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
