"""The one way from the event loop to the synchronous parts below it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Most of these threads wait for one commit together, so there may be many more than processors.
THREADS = 32


def thread_pool() -> ThreadPoolExecutor:
    """The threads a web process calls desk, files and versions in."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="desk")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a synchronous function without holding up the event loop."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, partial(function, *args, **kwargs))
