"""Another process that asks the host: `ask.py CONTROL_SOCKET [WHAT_TO_DO]`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from frontdesk.host.client import HostClient


async def main() -> None:
    client = HostClient(Path(sys.argv[1]), call_timeout_s=20, queue_limit=10)
    answer = await client.call(
        "trouble", "obedient", None, {"do": "".join(sys.argv[2:]) or "nothing", "x": 1.0}
    )
    print(json.loads(answer.outputs)["answer"], flush=True)
    await client.close()


asyncio.run(main())
