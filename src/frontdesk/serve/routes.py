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
from frontdesk.serve.api import (
    batch,
    events,
    feedback,
    files,
    jobs,
    monitor,
    notices,
    operations,
    schedules,
    tasks,
    train,
    versions,
    webhooks,
    workers,
)
from frontdesk.serve.api.predict import Predict, compare
from frontdesk.serve.api.tokens import list_tokens, make_token, revoke_token
from frontdesk.serve.api.users import (
    add_user,
    change_rule,
    change_user,
    invite_user,
    list_deeds,
    list_rules,
    list_users,
    show_me,
    show_user,
)
from frontdesk.serve.extensions import classic_routes
from frontdesk.serve.pages import page_routes
from frontdesk.serve.resource import resource
from frontdesk.serve.who import Door

STATIC = Path(__file__).parent / "static"
_COMPRESSION = 6


def api_routes() -> list[BaseRoute]:
    """What the product answers to programs. The first is the busiest."""
    return [
        Route("/api/tasks/{task}/predict", Predict(), methods=["POST"]),
        resource("/api/tasks/{task}/compare", Door.VISITORS, POST=compare),
        resource("/api/tasks/{task}/batch", POST=batch.batch),
        resource("/api/tasks/{task}/template", GET=batch.show_template),
        resource("/api/tasks", Door.VISITORS, GET=tasks.list_tasks),
        resource("/api/tasks/{task}", Door.VISITORS, GET=tasks.show_task),
        resource("/api/tasks/{task}/models/{model}/restart", POST=operations.restart_host),
        resource("/api/tasks/{task}/models/{model}/log", GET=operations.host_log),
        resource("/api/tasks/{task}/train", POST=train.train),
        resource("/api/tasks/{task}/models/{model}/versions", GET=versions.list_versions),
        resource("/api/tasks/{task}/models/{model}/versions/{n}", DELETE=versions.remove_version),
        resource("/api/tasks/{task}/models/{model}/versions/{n}/live", POST=versions.go_live),
        resource("/api/tasks/{task}/models/{model}/versions/{n}/download", GET=versions.download_version),
        *_monitor_routes(),
        resource("/api/jobs", Door.VISITORS, GET=jobs.list_jobs),
        resource("/api/jobs/{id}", Door.ANYBODY, GET=jobs.show_job, DELETE=jobs.remove_job),
        resource("/api/jobs/{id}/events", Door.ANYBODY, GET=events.job_events),
        resource("/api/jobs/{id}/cancel", Door.ANYBODY, POST=jobs.cancel_job),
        resource("/api/jobs/{id}/retry", Door.ANYBODY, POST=jobs.retry_job),
        resource("/api/jobs/{id}/again", Door.ANYBODY, POST=jobs.again),
        resource("/api/jobs/{id}/archive", Door.ANYBODY, POST=jobs.archive_job),
        resource("/api/jobs/{id}/unarchive", Door.ANYBODY, POST=jobs.unarchive_job),
        resource("/api/jobs/{id}/input", Door.ANYBODY, GET=jobs.show_input),
        resource("/api/jobs/{id}/result", Door.ANYBODY, GET=jobs.show_result),
        resource("/api/jobs/{id}/metrics", GET=train.show_metrics),
        resource("/api/jobs/{id}/metrics.csv", GET=train.show_metrics_csv),
        resource("/api/jobs/{id}/log", GET=train.show_log),
        resource("/api/events", Door.VISITORS, GET=events.all_events),
        resource("/api/files", POST=files.upload_file),
        resource("/api/files/{id}", GET=files.download_file, DELETE=files.remove_file),
        resource("/api/me", Door.VISITORS, GET=show_me),
        *_standing_routes(),
        resource("/api/tokens", GET=list_tokens, POST=make_token),
        resource("/api/tokens/{id}", DELETE=revoke_token),
        resource("/api/users", GET=list_users, POST=add_user),
        resource("/api/users/{id}", GET=show_user, PATCH=change_user),
        resource("/api/users/{id}/invitation", POST=invite_user),
        resource("/api/rules", GET=list_rules),
        resource("/api/rules/{task}/{action}", PUT=change_rule),
        resource("/api/audit", GET=list_deeds),
        *_operations_routes(),
        resource("/openapi.json", Door.VISITORS, GET=docs.openapi),
        resource("/docs", Door.VISITORS, GET=docs.docs),
    ]


def _operations_routes() -> list[BaseRoute]:
    return [
        resource("/api/workers", GET=workers.list_workers),
        resource("/api/workers/{name}/{verb}", POST=workers.change_worker),
        resource("/api/hosts", GET=operations.list_hosts),
        resource("/livez", Door.ANYBODY, GET=operations.livez),
        resource("/readyz", Door.ANYBODY, GET=operations.readyz),
        resource("/metrics", GET=operations.metrics),
    ]


def _monitor_routes() -> list[BaseRoute]:
    return [
        resource(
            "/api/predictions/{id}/feedback",
            Door.VISITORS,
            GET=feedback.show_feedback,
            POST=feedback.give_feedback,
        ),
        resource("/api/tasks/{task}/monitor", GET=monitor.show_figures),
        resource(
            "/api/tasks/{task}/collected", GET=monitor.download_collected, DELETE=monitor.delete_collected
        ),
        resource("/api/tasks/{task}/collected/file", POST=monitor.keep_collected),
    ]


def _standing_routes() -> list[BaseRoute]:
    return [
        resource("/api/schedules", GET=schedules.list_schedules, POST=schedules.add_schedule),
        resource("/api/schedules/preview", GET=schedules.preview),
        resource(
            "/api/schedules/{id}",
            GET=schedules.show_schedule,
            PATCH=schedules.change_schedule,
            DELETE=schedules.remove_schedule,
        ),
        resource("/api/schedules/{id}/run", POST=schedules.run_schedule),
        resource("/api/notices", GET=notices.list_notices),
        resource("/api/notices/read", POST=notices.read_notices),
        resource("/api/notices/wishes", GET=notices.show_wishes, PUT=notices.choose_wishes),
        resource("/api/webhooks", GET=webhooks.list_webhooks, POST=webhooks.add_webhook),
        resource(
            "/api/webhooks/{id}",
            GET=webhooks.show_webhook,
            PATCH=webhooks.change_webhook,
            DELETE=webhooks.remove_webhook,
        ),
        resource("/api/webhooks/{id}/test", POST=webhooks.test_webhook),
        resource("/api/webhooks/{id}/deliveries", GET=webhooks.list_deliveries),
        resource("/api/webhooks/{id}/deliveries/{delivery}/replay", POST=webhooks.replay_delivery),
    ]


def all_routes(tasks: Mapping[str, TaskCard]) -> list[BaseRoute]:
    """The whole table. Pages and what belongs to them are compressed."""
    api, pages = api_routes(), page_routes()
    static = Mount("/static", StaticSources(directory=STATIC, check_dir=False))
    start_docs = resource("/docs/start.js", Door.ANYBODY, GET=docs.docs_start)
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
