"""The lobby as a process of its own: the browser's tests drive it from outside.

python -P tests/browser/server.py PORT DIRECTORY
"""

import eventlet

eventlet.monkey_patch()

import signal  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from evenkeel_ops.issuer import DemoIssuer  # noqa: E402
from libs.web.tests.lobby import lobby  # noqa: E402


def main(port: int, directory: Path) -> None:
    issuer = DemoIssuer(directory / "issuer.pem")
    house = lobby(f"sqlite:///{directory / 'lobby.sqlite'}", issuer, port=port)
    stopping = eventlet.event.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.send())
    stopping.wait()
    house.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
