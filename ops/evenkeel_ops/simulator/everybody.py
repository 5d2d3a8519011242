"""Everybody of the demo whom one can sign in as: those whom the services know by now."""

from collections.abc import Iterator
from uuid import UUID, uuid5

from evenkeel_ops.issuer import Somebody
from evenkeel_ops.simulator.act import Unanswered, filled
from evenkeel_ops.simulator.ledger import Ledger
from evenkeel_ops.simulator.people import OFFICE, Cast, Person

SRE = uuid5(UUID(int=0), "sre")


def everybody(cast: Cast, ledger: Ledger) -> Iterator[Somebody]:
    """Staff of each clinic, participants, and one SRE who may see no clinic's people."""
    clinics = tuple(UUID(clinic.id) for clinic in cast.clinics)
    yield Somebody(name="SRE", role="sre", id=SRE, clinics=clinics, listed_under="Operator")
    for clinic in cast.clinics:
        staff = [clinic.staff(role) for role in OFFICE]
        licensed = [one for one in cast.clinicians if one.clinic is clinic]
        yield from _known([*licensed, *staff], ledger, f"Staff of clinic {clinic.number}")
    yield from _known(cast.participants, ledger, "Participants")


def _known(people: list, ledger: Ledger, listed_under: str) -> Iterator[Somebody]:
    """Who has an id already: a service gives it when it first hears of somebody."""
    person: Person
    for person in people:
        try:
            known_as = UUID(filled(person.id, ledger.answer_to))
        except Unanswered:
            continue
        yield Somebody(
            name=person.name.capitalize(),
            role=person.role,
            id=known_as,
            clinics=(UUID(person.clinic.id),),
            listed_under=listed_under,
        )
