"""The addresses of an older photo service."""

from __future__ import annotations

from pathlib import Path

import frontdesk as fd

routes = fd.Routes()
ENDINGS = (".jpg", ".jpeg", ".png")

FORM = """<!doctype html><html lang="en"><title>Classify a photo</title>
<form method="post" enctype="multipart/form-data">
<label>Photo <input type="file" name="image" accept="image/*" required></label>
<label>Model <select name="model">{options}</select></label>
<button>Classify</button>
</form></html>"""


def models(request: fd.RouteRequest) -> list[str]:
    return [model.name for model in request.task("photos").models]


def images(request: fd.RouteRequest) -> dict[str, Path]:
    """The pictures of the gallery by their names."""
    found = sorted((request.models_folder / "images").glob("*"))
    return {path.name: path for path in found if path.suffix.lower() in ENDINGS}


def photo(request: fd.RouteRequest) -> dict[str, object]:
    """The uploaded picture, or one of the gallery by its name."""
    given = request.form.get("image")
    if isinstance(given, str) and (path := images(request).get(given)):
        given = path.read_bytes()
    if not isinstance(given, bytes) or not given:
        raise fd.InvalidInput("image", "Send a picture, or the name of one of the images of /info.")
    return {"photo": given}


def top(outputs: dict) -> list[list[object]]:
    """The best five, in percent."""
    return [[score["label"], round(100 * score["score"], 2)] for score in outputs["answer"]["scores"][:5]]


@routes.route("GET", "/info")
async def info(request: fd.RouteRequest) -> dict[str, object]:
    return {"models": models(request), "images": list(images(request))}


@routes.route("GET", "/classifications")
async def form(request: fd.RouteRequest) -> fd.RouteResponse:
    options = "".join(f"<option>{name}</option>" for name in models(request))
    return fd.RouteResponse(FORM.format(options=options), media_type="text/html")


@routes.route("POST", "/classifications")
async def submit(request: fd.RouteRequest) -> fd.RouteResponse:
    chosen = request.form.get("model")
    job = await request.submit("photos", photo(request), chosen if isinstance(chosen, str) else None)
    location = {"Location": f"/classifications/{job['id']}"}
    return fd.RouteResponse({"task_id": job["id"], "task_status": job["state"]}, 202, headers=location)


@routes.route("GET", "/classifications/{id}")
async def ticket(request: fd.RouteRequest) -> dict[str, object] | fd.RouteResponse:
    job = await request.job(request.path["id"])
    if job is None or job["task"] != "photos":
        return fd.RouteResponse({"detail": "There is no such ticket."}, 404)
    return {"task_status": job["state"], "data": top(job["outputs"]) if job["outputs"] else None}


@routes.route("POST", "/predict")
async def predict(request: fd.RouteRequest) -> dict[str, object]:
    outputs = await request.ask("photos", photo(request), request.query.get("model"))
    return {"data": top(outputs)}
