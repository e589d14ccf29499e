"""/openapi.json and /docs: the API described, for programs and for people."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from frontdesk.serve.openapi import OpenApi

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>API · frontdesk</title>
<link rel="icon" href="/static/icon.svg">
<link rel="stylesheet" href="/static/docs/swagger-ui.css">
<body>
<div id="docs">
<noscript>This page needs JavaScript; <a href="/openapi.json">openapi.json</a> says the same.</noscript>
</div>
<script src="/static/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""

_START = """const code = fetch("/api/me").then((me) => (me.ok ? me.json() : {})).then((me) => me.csrf_token);
SwaggerUIBundle({
  requestInterceptor: async (request) => {
    if (await code) request.headers["X-CSRF-Token"] = await code;
    return request;
  },
  url: "/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null,
  docExpansion: "list", defaultModelsExpandDepth: 0,
});
"""


async def openapi(request: Request) -> Response:
    """GET /openapi.json"""
    document: OpenApi = request.app.state.openapi
    if request.headers.get("if-none-match") == document.etag:
        return Response(status_code=304, headers={"ETag": document.etag})
    return Response(document.content, headers={"ETag": document.etag}, media_type="application/json")


async def docs(request: Request) -> Response:
    """GET /docs"""
    return HTMLResponse(_PAGE)


async def docs_start(request: Request) -> Response:
    """GET /docs/start.js: the policy allows no script inside a page."""
    return Response(_START, media_type="text/javascript")
