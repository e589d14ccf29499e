"""Every address of the web process, in one table. Pages and classic routes add theirs at the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from frontdesk.declare.signature import TaskCard
from frontdesk.serve import docs
from frontdesk.serve.api import events, files, jobs, operations, tasks, train, versions
from frontdesk.serve.api.predict import Predict, compare
from frontdesk.serve.extensions import classic_routes
from frontdesk.serve.pages import page_routes
from frontdesk.serve.resource import resource

STATIC = Path(__file__).parent / "static"
_COMPRESSION = 6


def api_routes() -> list[BaseRoute]:
    """What the product answers to programs. The first is the busiest."""
    return [
        Route("/api/tasks/{task}/predict", Predict(), methods=["POST"]),
        resource("/api/tasks/{task}/compare", POST=compare),
        resource("/api/tasks", GET=tasks.list_tasks),
        resource("/api/tasks/{task}", GET=tasks.show_task),
        resource("/api/tasks/{task}/models/{model}/restart", POST=operations.restart_host),
        resource("/api/tasks/{task}/models/{model}/log", GET=operations.host_log),
        resource("/api/tasks/{task}/train", POST=train.train),
        resource("/api/tasks/{task}/models/{model}/versions", GET=versions.list_versions),
        resource("/api/tasks/{task}/models/{model}/versions/{n}", DELETE=versions.remove_version),
        resource("/api/tasks/{task}/models/{model}/versions/{n}/live", POST=versions.go_live),
        resource("/api/tasks/{task}/models/{model}/versions/{n}/download", GET=versions.download_version),
        resource("/api/jobs", GET=jobs.list_jobs),
        resource("/api/jobs/{id}", GET=jobs.show_job, DELETE=jobs.remove_job),
        resource("/api/jobs/{id}/events", GET=events.job_events),
        resource("/api/jobs/{id}/cancel", POST=jobs.cancel_job),
        resource("/api/jobs/{id}/retry", POST=jobs.retry_job),
        resource("/api/jobs/{id}/archive", POST=jobs.archive_job),
        resource("/api/jobs/{id}/unarchive", POST=jobs.unarchive_job),
        resource("/api/jobs/{id}/input", GET=jobs.show_input),
        resource("/api/jobs/{id}/result", GET=jobs.show_result),
        resource("/api/jobs/{id}/metrics", GET=train.show_metrics),
        resource("/api/jobs/{id}/metrics.csv", GET=train.show_metrics_csv),
        resource("/api/jobs/{id}/log", GET=train.show_log),
        resource("/api/events", GET=events.all_events),
        resource("/api/files", POST=files.upload_file),
        resource("/api/files/{id}", GET=files.download_file, DELETE=files.remove_file),
        resource("/api/hosts", GET=operations.list_hosts),
        resource("/livez", GET=operations.livez),
        resource("/readyz", GET=operations.readyz),
        resource("/metrics", GET=operations.metrics),
        resource("/openapi.json", GET=docs.openapi),
        resource("/docs", GET=docs.docs),
    ]


def all_routes(tasks: Mapping[str, TaskCard]) -> list[BaseRoute]:
    """The whole table. Pages and what belongs to them are compressed."""
    api, pages = api_routes(), page_routes()
    static = Mount("/static", StaticSources(directory=STATIC, check_dir=False))
    start_docs = resource("/docs/start.js", GET=docs.docs_start)
    for route in (static, *pages):
        assert isinstance(route, Route | Mount)
        route.app = GZipMiddleware(route.app, compresslevel=_COMPRESSION)
    return [*api, *classic_routes(tasks, [*api, static, start_docs, *pages]), static, start_docs, *pages]


class StaticSources(StaticFiles):
    """Built front-end files. An address with a version in its query never changes; others are asked about each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        is_versioned = scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if is_versioned else "no-cache"
        )
        return response
