"""One sweeper, as its own process has it: real threads, no eventlet. Started as a child of the
benchmark; says "ready", sweeps once when it is told to, and says from when to when."""

import gc
import json
import sys
import time

from chassis import logs
from chassis.clock import SystemClock
from chassis.database import Database
from crisis import sweeper


def main() -> None:
    arguments = json.loads(sys.stdin.readline())
    url = arguments["url"]
    database = Database(
        "crisis", http_url=url, work_url=url, clock=SystemClock(), heard=frozenset({"case"})
    )
    sweeper.sweep(database)
    gc.freeze()
    print(json.dumps("ready"), flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    climbed = sweeper.sweep(database)
    told = {"climbed": climbed, "began": began, "ended": time.monotonic()}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    logs.configure(level=40)
    main()
