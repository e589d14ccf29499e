"""A supervisor to be killed: `supervise.py FOLDER WHAT_TO_DO`; says the host's process id."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from support.hosts import House


async def main() -> None:
    async with House(Path(sys.argv[1]), "trouble.py", call_timeout_s=60) as house:
        await house.ask("trouble")
        doing = asyncio.create_task(house.ask("trouble", do=sys.argv[2], x=60.0))
        await asyncio.sleep(0.2)
        print(house.status("trouble").pid, flush=True)
        await asyncio.sleep(60)
        await doing


asyncio.run(main())
