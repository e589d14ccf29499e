"""The event loop that a worker's jobs run on."""

from __future__ import annotations

import asyncio
import threading

from frontdesk.run.loop import loop_for

JOBS = 40


def test_jobs_that_wait_for_storage_that_does_not_answer_hold_up_no_other() -> None:
    answers = threading.Event()

    async def work() -> str:
        hanging = [asyncio.create_task(asyncio.to_thread(answers.wait)) for _ in range(2 * JOBS)]
        try:
            await asyncio.sleep(0)  # each of them is on its thread
            async with asyncio.timeout(20):
                return await asyncio.to_thread(lambda: threading.current_thread().name)
        finally:
            answers.set()
            await asyncio.gather(*hanging)

    loop = loop_for(JOBS)
    try:
        assert loop.run_until_complete(work()).startswith("job")
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
