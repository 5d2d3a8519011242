"""A private, throw-away PostgreSQL server on loopback: for tests, benchmarks and fault drills."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from evenkeel_ops import machine
from evenkeel_ops.keeper import Kept, PrivateDirectory, as_user

START_SECONDS = 30

_numbers = count(1)


class Postgres:
    """Trusts whoever connects. Without `fsync` it survives killed processes, not a dead machine."""

    def __init__(
        self, under: Path | None = None, *, fsync: bool = True, settings: dict | None = None
    ):
        self._programs = machine.find("postgresql")
        self._user = _unprivileged_user()
        self._directory = PrivateDirectory("postgres", under)
        self.directory = self._directory.path
        self.data, self.log = self.directory / "data", self.directory / "log"
        self.port = machine.free_ports(1)[0]
        self._settings = {
            "fsync": fsync,
            "full_page_writes": fsync,
            "max_connections": 300,
            "timezone": "UTC",
            "log_timezone": "UTC",
            **(settings or {}),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "port": self.port,
        }
        self._server: Kept | None = None
        if self._user:
            shutil.chown(self.directory, self._user)
        self._initialise()

    def __enter__(self) -> "Postgres":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.kill()
        self._directory.remove()

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """For SQLAlchemy, which by itself takes a driver that blocks green threads."""
        return f"postgresql+psycopg2://{user}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres", user: str = "postgres"):
        """A psycopg2 connection in autocommit."""
        import psycopg2

        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, dbname=database, user=user, connect_timeout=10
        )
        connection.autocommit = True
        return connection

    @contextmanager
    def database(self, name: str, template: str = "template0") -> Iterator[str]:
        """The url of a new database, dropped afterwards whoever is still connected."""
        unique = f"{name}_{next(_numbers)}"
        self._administer(f'CREATE DATABASE "{unique}" TEMPLATE "{template}"')
        yield self.url(unique)
        self._administer(f'DROP DATABASE IF EXISTS "{unique}" WITH (FORCE)')

    def start(self) -> None:
        """Serves when this returns, after whatever recovery a kill made necessary."""
        settings = [f"--{name}={_written(value)}" for name, value in self._settings.items()]
        command = [str(self._programs / "postgres"), "-D", str(self.data), *settings]
        server = self._server = Kept(command, self.log, self._user)
        server.until(lambda: self._is_ready(server.pid), START_SECONDS)

    def stop(self) -> None:
        """An orderly end: open transactions are rolled back and a checkpoint is written."""
        if self._server is not None:
            self._server.end(signal.SIGINT, START_SECONDS)

    def kill(self) -> None:
        """SIGKILL to every process of the server at once."""
        if self._server is not None:
            self._server.kill()
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _administer(self, statement: str) -> None:
        connection = self.connect()
        connection.cursor().execute(statement)
        connection.close()

    def _is_ready(self, process: int) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and int(lines[0]) == process and lines[7].strip() == "ready"

    def _initialise(self) -> None:
        command = [self._programs / "initdb", "-D", self.data, "--data-checksums", "--no-sync"]
        command += ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd="/", **as_user(self._user)
        )
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _unprivileged_user() -> str:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return ""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _written(setting: object) -> str:
    return str(setting).lower() if isinstance(setting, bool) else str(setting)
