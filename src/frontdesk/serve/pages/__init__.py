"""Pages for people: rendered on the server, usable before their scripts have loaded."""

from __future__ import annotations

from starlette.routing import BaseRoute

from frontdesk.serve.pages.ask import ask_task, show_task, show_thumb
from frontdesk.serve.pages.jobs import change_job, show_job, show_jobs
from frontdesk.serve.pages.models import restart_model, show_models
from frontdesk.serve.pages.overview import show_status, show_tasks
from frontdesk.serve.pages.rendering import error_page
from frontdesk.serve.pages.train import show_run, show_train, start_training
from frontdesk.serve.pages.versions import change_version, compare_versions, show_versions
from frontdesk.serve.resource import resource

__all__ = ["error_page", "page_routes"]


def page_routes() -> list[BaseRoute]:
    """Every page, and what a form on it posts to."""
    return [
        resource("/", GET=show_tasks),
        resource("/tasks/{task}", GET=show_task, POST=ask_task),
        resource("/tasks/{task}/models", GET=show_models),
        resource("/tasks/{task}/train", GET=show_train, POST=start_training),
        resource("/tasks/{task}/runs/{id}", GET=show_run),
        resource("/tasks/{task}/versions", GET=show_versions),
        resource("/tasks/{task}/versions/compare", GET=compare_versions),
        resource("/tasks/{task}/versions/{model}/{n}/{verb}", POST=change_version),
        resource("/tasks/{task}/models/{model}/restart", POST=restart_model),
        resource("/tasks/{task}/thumbs/{field}/{name}", GET=show_thumb),
        resource("/jobs", GET=show_jobs),
        resource("/jobs/{id}", GET=show_job),
        resource("/jobs/{id}/{verb}", POST=change_job),
        resource("/status", GET=show_status),
    ]
