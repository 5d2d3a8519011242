"""A private, throw-away RabbitMQ node on loopback: for tests, benchmarks and fault drills."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from evenkeel_ops import machine
from evenkeel_ops.keeper import Kept, PrivateDirectory

START_SECONDS = 60

_numbers = count(1)

COOKIE = "evenkeel"
# RabbitMQ looks for each of its modules in every plugin's directory: fewer of them, sooner up.
LEFT_OUT = "rabbitmq_"
LEFT_IN = (
    "rabbitmq_prelaunch",
    "rabbitmq_prometheus",
    "rabbitmq_management",
    "rabbitmq_web_dispatch",
)
# A scheduler that went to sleep between two file operations takes long to wake: twice the start.
STAY_AWAKE = "+sbwt short +sbwtdio short"


class Queue(NamedTuple):
    """How many messages wait for a consumer, and how many for an acknowledgement."""

    ready: int
    unacknowledged: int


class RabbitMQ:
    """One node that anybody on this machine may enter as guest."""

    def __init__(
        self,
        under: Path | None = None,
        name: str = "evenkeel",
        *,
        schedulers: int = 2,
        plugins: tuple[str, ...] = (),
    ):
        self._programs = machine.find("rabbitmq-server")
        self._directory = PrivateDirectory("rabbitmq", under)
        self.directory = self._directory.path
        self.log = self.directory / "log"
        self.port, self.metrics_port, self._node_port, self._epmd_port = machine.free_ports(4)
        self._node: Kept | None = None
        self._select_plugins()
        (self.directory / "enabled_plugins").write_text(f"[{','.join(plugins)}].")
        (self.directory / "advanced.config").write_text(self._configuration())
        self._environment = self._variables(f"{name}@localhost", schedulers)

    def __enter__(self) -> "RabbitMQ":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.kill()
        self._directory.remove()

    def url(self, vhost: str = "/") -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{quote(vhost, safe='')}"

    def start(self) -> None:
        command = [str(self._programs / "rabbitmq-server")]
        self._node = Kept(command, self.log, env=self._environment)
        self._node.until(self._is_ready, START_SECONDS)

    def stop(self) -> None:
        """An orderly end."""
        if self._node is not None:
            self._node.end(signal.SIGTERM, START_SECONDS)

    def kill(self) -> None:
        """SIGKILL to every process of the node at once."""
        if self._node is not None:
            self._node.kill()

    @contextmanager
    def vhost(self, name: str) -> Iterator[str]:
        """The url of a new vhost, deleted afterwards with everything in it."""
        unique = f"{name}-{next(_numbers)}"
        self.evaluate(f"""
            rabbit_vhost:add(<<"{unique}">>, <<"evenkeel">>),
            rabbit_auth_backend_internal:set_permissions(
                <<"guest">>, <<"{unique}">>, <<".*">>, <<".*">>, <<".*">>, <<"evenkeel">>)
        """)
        yield self.url(unique)
        self.evaluate(f'rabbit_vhost:delete(<<"{unique}">>, <<"evenkeel">>)')

    def settle(self) -> None:
        """Writes down which queues there are.

        RabbitMQ 3.10 does so twice a second; a quorum queue killed sooner after its birth comes
        back without a leader and without its confirmed messages.
        """
        self.evaluate("[dets:sync(Table) || Table <- dets:all()]")

    def queues(self, vhost: str = "/") -> dict[str, Queue]:
        """What was so at most a fifth of a second ago."""
        rows = self.evaluate(f"""
            [[element(4, Name), Ready, Unacknowledged] ||
                [{{_, Name}}, {{_, Ready}}, {{_, Unacknowledged}}] <- rabbit_amqqueue:info_all(
                    <<"{vhost}">>, [name, messages_ready, messages_unacknowledged])]
        """)
        return {name: Queue(ready, unacknowledged) for name, ready, unacknowledged in rows}

    def redelivered(self) -> int:
        """How many deliveries of the whole node, since it started, were not the first."""
        return self.evaluate("""
            lists:sum([maps:get(messages_redelivered_total, Counted, 0) ||
                Counted <- maps:values(rabbit_global_counters:overview())])
        """)

    def evaluate(self, expression: str) -> Any:
        """An Erlang expression's value, as JSON has it; fifty times faster than `control`."""
        address = ["-address", f"127.0.0.1:{self._node_port}", "-c", COOKIE, "-r"]
        done = subprocess.run(
            [_erl_call(), *address, "-timeout", "30", "-fetch_stdout", "-e"],
            input=f"io:put_chars(rabbit_json:encode(begin {expression} end)).\n",
            env=self._environment,
            capture_output=True,
            text=True,
        )
        value, worked, _ = done.stdout.rpartition("{ok, ok}")
        if not worked:
            raise RuntimeError(f"{expression}\n{done.stdout}{done.stderr}")
        return json.loads(value)

    def control(self, *arguments: str) -> str:
        """What rabbitmqctl prints."""
        return subprocess.run(
            [self._programs / "rabbitmqctl", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def _is_ready(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def _select_plugins(self) -> None:
        """A home of our own, where only the plugins of use are to be found."""
        theirs = (self._programs / "rabbitmq-server").resolve().parents[1]
        ours = self.directory / "home"
        (ours / "plugins").mkdir(parents=True)
        for name in ("sbin", "escript"):
            (ours / name).symlink_to(theirs / name)
        for plugin in (theirs / "plugins").iterdir():
            if plugin.name.startswith(LEFT_IN) or not plugin.name.startswith(LEFT_OUT):
                (ours / "plugins" / plugin.name).symlink_to(plugin)

    def _configuration(self) -> str:
        return f"""[
            {{rabbit, [
                {{tcp_listeners, [{{"127.0.0.1", {self.port}}}]}},
                {{quorum_tick_interval, 200}},
                {{vm_memory_high_watermark, {{absolute, "1GB"}}}},
                {{disk_free_limit, "50MB"}}
            ]}},
            {{rabbitmq_prometheus, [
                {{tcp_config, [{{ip, "127.0.0.1"}}, {{port, {self.metrics_port}}}]}}
            ]}}
        ].
        """

    def _variables(self, node: str, schedulers: int) -> dict[str, str]:
        """All that RabbitMQ reads, so that nothing of the machine's own leaks in."""
        here = str(self.directory)
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": here,
            "ERL_CRASH_DUMP": f"{here}/erl_crash.dump",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            # has the shell script become the node instead of being its parent
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_SCRIPTS_DIR": f"{here}/home/sbin",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": f"{here}/rabbitmq",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{here}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/enabled_plugins",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{here}/generated",
            "RABBITMQ_MNESIA_BASE": f"{here}/data",
            "RABBITMQ_LOG_BASE": here,
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": f"{here}/pid",
            "RABBITMQ_NODENAME": node,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_CTL_ERL_ARGS": f"-setcookie {COOKIE}",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                f"-setcookie {COOKIE} +S {schedulers}:{schedulers} {STAY_AWAKE}"
                " -kernel inet_dist_use_interface {127,0,0,1}"
            ),
        }


def _erl_call() -> str:
    """Comes with Erlang and talks to a node without starting one of its own."""
    erlang = Path(shutil.which("erl") or "erl").resolve().parents[1]
    return str(next(erlang.glob("erts-*/bin/erl_call")))
