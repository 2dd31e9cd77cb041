"""The load: kept-alive connections that ask as fast as they are answered. `wrk` where it is installed, else our own."""

import http.client
import json
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.shop import Kind

CONNECTIONS = 32
_PREFIX = "figures "
# wrk runs it in its one thread. Sessions to pay come from a file; when they are used up, that round ends early.
_SCRIPT = """
local sessions, number, run = {}, 0, "%(run)s"
function init()
  local file = io.open("%(sessions)s")
  if file then for line in file:lines() do sessions[#sessions + 1] = line end file:close() end
end
function request()
  number = number + 1
  local headers, path = %(headers)s, "%(path)s"
  if %(keyed)s then headers["Idempotency-Key"] = run .. number end
  if %(pays)s then
    if number > #sessions then wrk.thread:stop() end
    path = path:gsub("{}", sessions[math.min(number, #sessions)])
  end
  return wrk.format("%(method)s", path, headers, %(body)s)
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('%(prefix)s{"requests":%%d,"seconds":%%f,"p50":%%f,"p99":%%f,"slowest":%%f,"errors":%%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True)
class Figures:
    """Answers a second, and the milliseconds within which half of them, 99 of 100, and all came."""

    rate: float
    p50: float
    p99: float
    slowest: float


def run(url: str, kind: Kind, seconds: int, sessions: Sequence[str] = ()) -> Figures:
    """Ask for so long; each payment takes one of `sessions`. An answer outside 2xx ends the bench."""
    return _wrk(url, kind, seconds, sessions) if shutil.which("wrk") else _threads(url, kind, seconds, sessions)


def _wrk(url: str, kind: Kind, seconds: int, sessions: Sequence[str]) -> Figures:
    with tempfile.TemporaryDirectory(prefix="ikawaari-bench-") as folder:
        script, ids = Path(folder) / "load.lua", Path(folder) / "sessions"
        ids.write_text("\n".join(sessions))
        script.write_text(_script(kind, ids))
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told = json.loads(output.rpartition(_PREFIX)[2])
    if told["errors"]:
        raise RuntimeError(f"{kind.name}: {told['errors']} answers that are none\n{output}")
    return Figures(told["requests"] / told["seconds"], told["p50"], told["p99"], told["slowest"])


def _script(kind: Kind, ids: Path) -> str:
    headers = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in kind.headers.items())
    return _SCRIPT % {
        "run": f"{time.time_ns()}-",
        "sessions": ids,
        "headers": f"{{{headers}}}",
        "path": kind.path,
        "method": kind.method,
        "keyed": str(kind.is_keyed).lower(),
        "pays": str(kind.pays).lower(),
        "body": json.dumps(kind.body) if kind.body else "nil",
        "prefix": _PREFIX,
    }


def _threads(url: str, kind: Kind, seconds: int, sessions: Sequence[str]) -> Figures:
    taken: list[float] = []
    places, begun = count(), time.monotonic()
    ends = begun + seconds

    def ask() -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        while time.monotonic() < ends:
            place = next(places)
            if kind.pays and place >= len(sessions):
                break
            request = kind.request(sessions[place] if kind.pays else "")
            started = time.monotonic()
            connection.request(request.method, request.path, request.body or None, dict(request.headers))
            response = connection.getresponse()
            text = response.read()
            if not 200 <= response.status < 300:
                raise RuntimeError(f"{kind.name}: {response.status} {text[:500]!r}")
            taken.append(time.monotonic() - started)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cuts = statistics.quantiles(taken, n=100)
    rate = len(taken) / (time.monotonic() - begun)
    return Figures(rate, cuts[49] * 1000, cuts[98] * 1000, max(taken) * 1000)
