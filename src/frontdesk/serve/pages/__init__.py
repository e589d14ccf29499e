"""Pages for people: rendered on the server, usable before their scripts have loaded."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from frontdesk.serve.pages.ask import ask_task, show_task, show_thumb
from frontdesk.serve.pages.jobs import change_job, show_job, show_jobs
from frontdesk.serve.pages.overview import show_status, show_tasks
from frontdesk.serve.pages.rendering import error_page

__all__ = ["error_page", "page_routes"]


def page_routes() -> list[BaseRoute]:
    """Every page, and what a form on it posts to."""
    return [
        Route("/", show_tasks, methods=["GET"]),
        Route("/tasks/{task}", show_task, methods=["GET"]),
        Route("/tasks/{task}", ask_task, methods=["POST"]),
        Route("/tasks/{task}/thumbs/{field}/{name}", show_thumb, methods=["GET"]),
        Route("/jobs", show_jobs, methods=["GET"]),
        Route("/jobs/{id}", show_job, methods=["GET"]),
        Route("/jobs/{id}/{verb}", change_job, methods=["POST"]),
        Route("/status", show_status, methods=["GET"]),
    ]
