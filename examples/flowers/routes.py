"""The addresses that the flower page of old had."""

from __future__ import annotations

import frontdesk as fd

routes = fd.Routes()
MEASUREMENTS = ("sepal_length", "sepal_width", "petal_length", "petal_width")


@routes.route("POST", "/classify")
async def classify(request: fd.RouteRequest) -> dict[str, object]:
    """{"data": [5.1, 3.5, 1.4, 0.2]} -> {"data": "Setosa", "scores": {...}}"""
    body = request.json()
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or len(data) != len(MEASUREMENTS):
        raise fd.InvalidInput("data", f"Must be a list of four numbers: {', '.join(MEASUREMENTS)}.")
    answer = (await request.ask("flowers", dict(zip(MEASUREMENTS, data, strict=True))))["answer"]
    return {"data": answer["label"], "scores": {score["label"]: score["score"] for score in answer["scores"]}}


@routes.route("POST", "/train")
async def train(request: fd.RouteRequest) -> dict[str, object]:
    """{"hidden_units": 20} or nothing at all -> {"data": 0.9777777777777777}, the accuracy on held-out flowers."""
    outcome = await request.train("flowers", request.json() if request.body else None)
    return {"data": outcome["metrics"]["accuracy"]}
