"""The event loop that a worker's jobs run on."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

_SPARE = 4


def loop_for(jobs: int) -> asyncio.AbstractEventLoop:
    """A loop for so many jobs at once.

    A job reads and writes files on threads, two at most: one that waits for storage that does not answer takes none
    from the others. Threads are started as they are needed, so most of them never are.
    """
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(_SPARE + 2 * jobs, thread_name_prefix="job"))
    return loop
