"""The front page with all tasks, and the status pane."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from frontdesk.errors import FrontdeskError
from frontdesk.host.messages import HostStatus
from frontdesk.serve.pages.rendering import page
from frontdesk.serve.services import Services, services_of
from frontdesk.serve.threads import in_thread
from frontdesk.serve.who import may_see, owner_of

_RECENT_EVENTS = 12


async def show_tasks(request: Request) -> Response:
    """GET /"""
    services = services_of(request)
    hosts, _ = await _survey(services)
    states = {(host.task, host.model): host for host in hosts}
    tasks = {name: card for name, card in services.tasks.items() if may_see(request, name)}
    return page(request, "tasks.html", tasks=tasks, states=states)


async def show_status(request: Request) -> Response:
    """GET /status: hosts, lines, and what happened last."""
    services, owner = services_of(request), owner_of(request)
    hosts, trouble = await _survey(services)
    counts = await in_thread(services.desk.counts)
    last = await in_thread(services.desk.last_event, owner)
    # Ids have gaps where other owners' events are, so look a little farther back.
    after = max(last - 4 * _RECENT_EVENTS, 0)
    events = await in_thread(services.desk.events, owner, None, after=after, limit=4 * _RECENT_EVENTS)
    return page(
        request, "status.html", hosts=hosts, trouble=trouble, counts=counts,
        events=list(reversed(events))[:_RECENT_EVENTS],
    )  # fmt: skip


async def _survey(services: Services) -> tuple[Sequence[HostStatus], str]:
    try:
        return await services.hosts.survey(), ""
    except FrontdeskError as error:
        return [], str(error)
