"""Addresses of an older service."""

from __future__ import annotations

import frontdesk as fd

routes = fd.Routes()


@routes.route("GET", "/old/double/{x}")
async def double(request: fd.RouteRequest) -> dict[str, float]:
    answer = await request.ask(
        "double", {"x": float(request.path["x"]), "pause_s": float(request.query.get("pause_s", 0))}
    )
    return {"data": answer["answer"]["value"]}


@routes.route("POST", "/old/measure")
async def measure(request: fd.RouteRequest) -> dict[str, str]:
    answer = await request.ask("measure", {"content": request.form["file"]}, request.query.get("model"))
    return {"said": answer["answer"]}


@routes.route("POST", "/old/tickets")
async def submit(request: fd.RouteRequest) -> fd.RouteResponse:
    job = await request.submit("double", request.json())
    return fd.RouteResponse({"ticket": job["id"]}, status=201)


@routes.route("GET", "/old/tickets/{id}")
async def ticket(request: fd.RouteRequest) -> str:
    job = await request.job(request.path["id"])
    return "nothing" if job is None else job["state"]
