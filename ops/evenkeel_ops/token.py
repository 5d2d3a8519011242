"""`./evenkeel token`: a token of ten minutes for somebody of the demo."""

from pathlib import Path
from typing import Annotated
from uuid import UUID, uuid4

import typer

from evenkeel_ops.configuration import DEMO
from evenkeel_ops.issuer import DemoIssuer
from evenkeel_ops.machine import Lacking
from evenkeel_ops.simulator.act import Unanswered, filled
from evenkeel_ops.simulator.ledger import FILE, Ledger
from evenkeel_ops.simulator.people import OFFICE, Cast, Person
from web.callers import PEOPLE

app = typer.Typer()

EPILOG = """Examples: evenkeel token clinician, evenkeel token participant --number 17,
evenkeel token auditor --clinic 2. Only services of ./evenkeel demo believe it."""


@app.command(epilog=EPILOG)
def token(
    role: Annotated[str, typer.Argument(help=f"One of {', '.join(PEOPLE)}.")],
    number: Annotated[int, typer.Option(min=1, help="Which participant.")] = 1,
    clinic: Annotated[int, typer.Option(min=1, help="Whose staff.")] = 1,
    directory: Annotated[Path, typer.Option(help="Where the demo keeps its data.")] = DEMO,
) -> None:
    """Print a token that the running demo accepts as somebody of this role."""
    if role not in PEOPLE:
        raise typer.BadParameter(f"{role} is not one of {', '.join(PEOPLE)}")
    if not (directory / FILE).exists():
        raise Lacking(f"no demo has run in {directory}: run ./evenkeel demo")
    ledger = Ledger(directory)
    cast = Cast(*(ledger.noted(name) for name in ("seed", "clinics", "participants")))
    try:
        person_id, clinics = _who(cast, ledger, role, number, clinic)
    except (Unanswered, StopIteration):
        raise Lacking(f"the demo knows no such {role} yet") from None
    print(DemoIssuer(directory / "issuer.pem").token(role, person_id, clinics))


def _who(
    cast: Cast, ledger: Ledger, role: str, number: int, clinic: int
) -> tuple[UUID, list[UUID]]:
    """Somebody's id, and the clinics they may see. Raises Unanswered or StopIteration."""
    if role == "sre":
        return uuid4(), [UUID(one.id) for one in cast.clinics]
    place = next(one for one in cast.clinics if one.number == clinic)
    person: Person
    if role == "participant":
        person = next(one for one in cast.participants if one.number == number)
    elif role in OFFICE:
        person = place.staff(role)
    else:
        person = next(one for one in cast.on_call[clinic] if one.role == role)
    return UUID(filled(person.id, ledger.answer_to)), [UUID(person.clinic.id)]
