"""`./evenkeel docs`: write every generated document; a test fails when one is stale."""

import importlib
import json
from pathlib import Path
from typing import Annotated

import typer

import catalogue.events  # noqa: F401 - fills the registry
from catalogue import asyncapi, compatibility
from chassis.states import States
from evenkeel_ops.machine import ROOT
from evenkeel_ops.provision import SERVICES
from web.hosting import service_class
from web.openapi import document

app = typer.Typer()


@app.command(epilog="Examples: evenkeel docs, evenkeel docs --check")
def docs(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if stale.")] = False,
) -> None:
    """Write the event catalogue, the OpenAPI documents and the state diagrams."""
    if not check:
        compatibility.freeze(ROOT)
    stale = [path for path, content in documents().items() if not _is(path, content)]
    for path in stale:
        print(f"{'stale' if check else 'written'}: {path}")
        if not check:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_bytes(documents()[path])
    if check and stale:
        raise typer.Exit(1)


def documents() -> dict[str, bytes]:
    """Every generated document of the project: path from the root, and what it must contain."""
    made = {str(path): content for path, content in asyncapi.documents().items()}
    for service in SERVICES:
        described = json.dumps(document(service_class(service)), indent=2, sort_keys=True) + "\n"
        made[f"docs/api/{service}.openapi.json"] = described.encode()
        if diagrams := _states_of(service):
            made[f"docs/states/{service}.md"] = diagrams.encode()
    return made


def _states_of(service: str) -> str:
    """The state machines of a service, as diagrams."""
    package = Path(str(importlib.import_module(service).__file__)).parent
    found: dict[str, States] = {}
    for file in sorted(set(package.rglob("*.py")) - set(package.rglob("migrations/*.py"))):
        name = ".".join(file.relative_to(package.parent).with_suffix("").parts)
        module = importlib.import_module(name.removesuffix(".__init__"))
        found |= {v.noun: v for v in vars(module).values() if isinstance(v, States)}
    if not found:
        return ""
    parts = [f"# States of {service}\n\nGenerated from the tables beside the nouns.\n"]
    parts += [
        f"## {noun}\n\n```mermaid\n{states.diagram()}\n```\n" for noun, states in found.items()
    ]
    return "\n".join(parts)


def _is(path: str, content: bytes) -> bool:
    file = ROOT / path
    return file.exists() and file.read_bytes() == content
