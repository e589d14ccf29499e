"""Pages for people: rendered on the server, usable before their scripts have loaded."""

from __future__ import annotations

from starlette.routing import BaseRoute

from frontdesk.serve.pages import account, admin, notices, schedules, signin, signon, workers
from frontdesk.serve.pages.ask import ask_task, show_task, show_thumb
from frontdesk.serve.pages.batch import show_batch, start_batch
from frontdesk.serve.pages.feedback import give_feedback, show_feedback
from frontdesk.serve.pages.jobs import change_job, change_jobs, show_job, show_jobs
from frontdesk.serve.pages.models import restart_model, show_models
from frontdesk.serve.pages.monitor import change_monitor, show_monitor
from frontdesk.serve.pages.overview import show_status, show_tasks
from frontdesk.serve.pages.rendering import error_page
from frontdesk.serve.pages.train import show_run, show_train, start_training
from frontdesk.serve.pages.versions import change_version, compare_versions, show_versions
from frontdesk.serve.resource import resource
from frontdesk.serve.signing import to_sign_in
from frontdesk.serve.who import Door

__all__ = ["error_page", "page_routes", "to_sign_in"]


def page_routes() -> list[BaseRoute]:
    """Every page, and what a form on it posts to."""
    return [
        resource("/", Door.VISITORS, GET=show_tasks),
        resource("/tasks/{task}", Door.VISITORS, GET=show_task, POST=ask_task),
        resource("/tasks/{task}/models", Door.VISITORS, GET=show_models),
        resource("/tasks/{task}/batch", GET=show_batch, POST=start_batch),
        resource("/tasks/{task}/train", GET=show_train, POST=start_training),
        resource("/tasks/{task}/runs/{id}", GET=show_run),
        resource("/tasks/{task}/versions", GET=show_versions),
        resource("/tasks/{task}/versions/compare", GET=compare_versions),
        resource("/tasks/{task}/versions/{model}/{n}/{verb}", POST=change_version),
        resource("/tasks/{task}/monitor", GET=show_monitor),
        resource("/tasks/{task}/monitor/{verb}", POST=change_monitor),
        resource("/predictions/{id}/feedback", Door.VISITORS, GET=show_feedback, POST=give_feedback),
        resource("/tasks/{task}/models/{model}/restart", POST=restart_model),
        resource("/tasks/{task}/thumbs/{field}/{name}", Door.VISITORS, GET=show_thumb),
        resource("/jobs", Door.VISITORS, GET=show_jobs, POST=change_jobs),
        resource("/jobs/{id}", Door.ANYBODY, GET=show_job),
        resource("/jobs/{id}/{verb}", Door.ANYBODY, POST=change_job),
        resource("/schedules", GET=schedules.show_schedules, POST=schedules.add_schedule),
        resource("/schedules/{id}/{verb}", POST=schedules.change_schedule),
        resource("/notices", GET=notices.show_notices),
        resource("/notices/read", POST=notices.read_notices),
        resource("/notices/settings", GET=notices.show_settings, POST=notices.choose),
        resource("/notices/webhooks", POST=notices.add_webhook),
        resource("/notices/webhooks/{id}", GET=notices.show_webhook),
        resource("/notices/webhooks/{id}/{verb}", POST=notices.change_webhook),
        resource("/status", GET=show_status),
        resource("/signin", Door.ANYBODY, GET=signin.show_sign_in, POST=signin.sign_in),
        resource("/signin/oidc", Door.ANYBODY, GET=signon.leave),
        resource("/signin/oidc/back", Door.ANYBODY, GET=signon.come_back),
        resource("/signout", Door.ANYBODY, POST=signin.sign_out),
        resource("/welcome", Door.ANYBODY, GET=signin.show_welcome, POST=signin.accept_welcome),
        resource("/account", GET=account.show_account),
        resource("/account/name", POST=account.change_name),
        resource("/account/password", POST=account.change_password),
        resource("/account/tokens", POST=account.make_token),
        resource("/account/tokens/{id}/revoke", POST=account.revoke_token),
        resource("/admin/workers", GET=workers.show_workers),
        resource("/admin/workers/{name}/{verb}", POST=workers.change_worker),
        resource("/admin", GET=admin.show_admin),
        resource("/admin/users", POST=admin.add_user),
        resource("/admin/users/{id}", POST=admin.change_user),
        resource("/admin/users/{id}/limits", POST=admin.change_limits),
        resource("/admin/users/{id}/link", POST=admin.make_link),
        resource("/admin/rules/{task}", POST=admin.change_rules),
    ]
