"""The addresses of an older photo service."""

from __future__ import annotations

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


def top(outputs: dict, number: int = 5) -> list[list[object]]:
    scores = outputs["answer"]["scores"][:number]
    return [[score["label"], round(100 * score["score"], 2)] for score in scores]


def photo(request: fd.RouteRequest) -> dict[str, object]:
    """The uploaded picture, or one of the gallery by its name."""
    given = request.form.get("image")
    if isinstance(given, str):
        folder = request.models_folder / "images"
        listed = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
        given = listed[given].read_bytes() if given in listed else None
    if not given:
        raise fd.InvalidInput("image", "Send a picture, or the name of one of the images of /info.")
    return {"photo": given}


@routes.route("GET", "/info")
async def info(request: fd.RouteRequest) -> dict[str, object]:
    folder = request.models_folder / "images"
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return {"models": models(request), "images": sorted(n for n in names if n.lower().endswith(ENDINGS))}


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
    if job is None:
        return fd.RouteResponse({"detail": "There is no such ticket."}, 404)
    return {"task_status": job["state"], "data": top(job["outputs"]) if job["outputs"] else None}


@routes.route("POST", "/predict")
async def predict(request: fd.RouteRequest) -> dict[str, object]:
    outputs = await request.ask("photos", photo(request), request.query.get("model"))
    return {"data": top(outputs)}
