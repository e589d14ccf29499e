"""One burst of load by wrk, as numbers."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
local bodies = BODIES
local requests, turn = {}, 0
init = function()
  for i, body in ipairs(bodies) do
    requests[i] = wrk.format("POST", wrk.path, {["Content-Type"] = "application/json"}, body)
  end
end
request = function()
  turn = turn % #requests + 1
  return requests[turn]
end
done = function(summary, latency)
  local failed = summary.errors
  io.write(string.format('\\nJSON{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"failed":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Burst:
    """What one burst measured."""

    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int


def load(url: str, bodies: list[str], *, connections: int, seconds: int) -> Burst:
    """POST the JSON `bodies` in turn to `url`."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("wrk is needed for this benchmark; on Debian: apt install wrk")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        listed = "{" + ",".join(f"[==[{body}]==]" for body in bodies) + "}"
        script.write_text(_SCRIPT.replace("BODIES", listed))
        command = [
            program,
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--timeout",
            "10s",
            "-s",
            str(script),
            url,
        ]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = json.loads(output.rsplit("JSON", 1)[1])
    return Burst(
        per_second=found["requests"] / found["seconds"],
        p50_ms=found["p50_ms"],
        p99_ms=found["p99_ms"],
        failed=found["failed"],
    )
