"""Give each service its database and roles: an owner that migrates, and two that may only work."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVICES = ("intake", "scheduling", "sessions", "notifications", "crisis")
ROLES = ("owner", "http", "work")
WATCH = {"crisis": "crisis_watch"}
"""Whose database a watchdog looks into, and as whom: a role that only reads."""


@dataclass(frozen=True)
class Urls:
    """The three ways into one service's database."""

    owner: str
    http: str
    work: str

    @classmethod
    def sqlite(cls, file: Path) -> "Urls":
        """On SQLite there are no roles: one file, one way in."""
        url = f"sqlite:///{file}"
        return cls(url, url, url)

    @classmethod
    def postgres(cls, server: Any, service: str, database: str) -> "Urls":
        """The roles of a service in one database of a PostgreSQL server."""
        return cls(*(server.url(database, f"{service}_{role}") for role in ROLES))


def create_roles(connection: Any, services: tuple[str, ...] = SERVICES) -> None:
    """Roles live in the whole cluster; none may bypass row-level security or create roles."""
    cursor = connection.cursor()
    for service in services:
        for role in [f"{service}_{role}" for role in ROLES] + _watching(service):
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
            if not cursor.fetchone():
                cursor.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE")


def hand_over(server: Any, service: str, database: str) -> Urls:
    """Make a service's owner the owner of an empty database, and keep everybody else out."""
    connection = server.connect(database)
    cursor = connection.cursor()
    cursor.execute(f'ALTER DATABASE "{database}" OWNER TO {service}_owner')
    cursor.execute(f'REVOKE CONNECT ON DATABASE "{database}" FROM PUBLIC')
    let_in = ", ".join([f"{service}_http", f"{service}_work", *_watching(service)])
    cursor.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {let_in}')
    cursor.execute(f"ALTER SCHEMA public OWNER TO {service}_owner")
    connection.close()
    return Urls.postgres(server, service, database)


def _watching(service: str) -> list[str]:
    return [WATCH[service]] if service in WATCH else []
