"""The day before: staff, programmes and groups, and everybody's way from referral to a seat."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from evenkeel_ops.simulator.act import Act
from evenkeel_ops.simulator.crisis import answered_case
from evenkeel_ops.simulator.people import ITEM_9, Cast, Clinic, Cohort, Participant, Person, ref

DAYS_IN_SERIES = 6
SEGMENTS = (
    ("check_in", 20), ("group", 60), ("break", 15), ("skills", 50), ("individual", 25),
    ("wrap_up", 10),
)  # fmt: skip
STAFFED, OPENED, REFERRED, DECIDED, ADMITTED, SEATED = (
    timedelta(minutes=minutes) for minutes in (0, 5, 10, 40, 50, 55)
)
"""When each thing happens on the day before, counted from its beginning."""

FACTS: dict[str, Any] = {
    "danger_now": dict.fromkeys(
        ("attempt_in_progress", "overdose", "loss_of_consciousness", "means_in_hand_no_agreement",
         "violent_intent"), False,
    ),
    "acute": dict.fromkeys(
        ("command_hallucinations_to_harm", "grave_self_neglect", "needs_24h_observation",
         "psychosis_or_mania_without_insight", "no_safe_home"), False,
    ),
    "medical": dict.fromkeys(
        ("withdrawal_risk", "unstable_medical", "eating_disorder_signs", "delirium"), False
    ),
    "prior_care": {"weekly_therapy_insufficient": True, "iop_failed": False},
    "marked_functional_loss": False,
    "needs_daily_medical_oversight": False,
    "can_take_part_in_groups": True,
    "safety_plan_workable": True,
    "private_space": "ok",
    "device": "own",
    "network_mbit_s": 25.0,
    "accepts_video": True,
    "payer": {"virtual_allowed": True},
    "licensed_facilitator_available": True,
}  # fmt: skip


def asked(
    person: Person, at: datetime, step: str, about: int, says: str, path: str,
    body: dict[str, Any] | None = None, *, method: str = "POST", part: str = "", **more: Any,
) -> Act:  # fmt: skip
    """What somebody asks for; `part` tells apart acts of one step about the same number."""
    return Act(
        id=f"{step}{part}-{about}", at=at, step=step, about=about, says=f"{person.name} {says}",
        role=person.role, person=person.id, clinic_id=person.clinic.id, method=method, path=path,
        body=body, **more,
    )  # fmt: skip


def the_day_before(cast: Cast, eve: datetime, on: date) -> Iterator[Act]:
    """Everything up to a seat in a group whose series starts on a date."""

    for clinic in cast.clinics:
        yield from _staffed(cast, clinic, eve + STAFFED, on)
        yield _rota(cast, clinic, eve + OPENED)
    for cohort in cast.cohorts:
        yield from _opened(cohort, eve + OPENED, on)
        for one in cohort.members:
            yield from _arrived(cast, one, cohort, eve)


def _arrived(cast: Cast, one: Participant, cohort: Cohort, eve: datetime) -> Iterator[Act]:
    """A participant's way from referral to a seat, with a case on it for some."""
    yield from _referred(one, eve + REFERRED)
    if one.danger == ITEM_9:
        responder = cast.on_call[one.clinic.number][0]
        yield from answered_case(one, responder, eve + REFERRED, (2, 6, 20))
    yield from _decided(one, cohort, eve + DECIDED)
    yield from _seated(one, cohort, eve + ADMITTED, eve + SEATED)


def _staffed(cast: Cast, clinic: Clinic, at: datetime, on: date) -> Iterator[Act]:
    scheduler = clinic.staff("scheduler")
    for one in cast.clinicians:
        if one.clinic is clinic:
            body = {
                "clinic_id": clinic.id,
                "roles": [one.role],
                "zone": clinic.zone,
                "licences": [
                    {
                        "state": clinic.state,
                        "number": f"L-{one.number:05d}",
                        "expires_on": (on + timedelta(days=365)).isoformat(),
                    }
                ],
                "given_name": one.post.replace("_", " ").capitalize(),
                "family_name": str(one.number),
                "email": f"clinician{one.number}@example.org",
                "phone": f"+1555010{one.number:04d}",
            }
            says = f"registers {one.name}"
            path = "/scheduling/clinicians"
            yield asked(scheduler, at, "clinician", one.number, says, path, body)


def _rota(cast: Cast, clinic: Clinic, at: datetime) -> Act:
    first, backup, *last = cast.on_call[clinic.number]
    rungs = [[first.id], [backup.id], [one.id for one in last]]
    return asked(
        clinic.staff("clinic_admin"), at, "rota", clinic.number, "publishes who is on call",
        "/crisis/rotas", {"clinic_id": clinic.id, "rungs": rungs}, method="PUT",
    )  # fmt: skip


def _opened(cohort: Cohort, at: datetime, on: date) -> Iterator[Act]:
    clinic, number = cohort.clinic, cohort.number
    scheduler = clinic.staff("scheduler")
    programme = {
        "clinic_id": clinic.id,
        "code": f"iop-{cohort.starts_local.replace(':', '')}-{number}",
        "zone": clinic.zone,
        "weekdays": ["TU", "WE", "TH"],
        "starts_local": cohort.starts_local,
        "segments": [{"kind": kind, "minutes": minutes} for kind, minutes in SEGMENTS],
    }
    says = f"publishes a programme that starts at {cohort.starts_local}"
    yield asked(scheduler, at, "programme", number, says, "/scheduling/programmes", programme)
    body = {
        "clinic_id": clinic.id,
        "programme_id": ref(f"programme-{number}", "programme_id"),
        "facilitator_id": cohort.facilitator.id,
        "capacity": max(len(cohort.members), 2),
        "first_on": on.isoformat(),
        "count": DAYS_IN_SERIES,
    }
    says = f"opens group {number} with {DAYS_IN_SERIES} days"
    yield asked(scheduler, at, "cohort", number, says, "/scheduling/cohorts", body)


def _referred(one: Participant, at: datetime) -> Iterator[Act]:
    """Referral and the three instruments, each answered to the end."""
    body = {
        "clinic_id": one.clinic.id,
        "kind": "self",
        "participant": {
            "given_name": "Participant",
            "family_name": str(one.number),
            "birth_on": one.born_on.isoformat(),
            "email": f"participant{one.number}@example.org",
            "phone": f"+1555020{one.number:04d}",
            "address": f"{one.number} Example Street",
            "state": one.clinic.state,
            "zone": one.clinic.zone,
        },
    }
    desk = one.clinic.staff("scheduler")
    says = f"takes the referral of {one.name}"
    yield asked(desk, at, "referral", one.number, says, "/intake/referrals", body)
    for part, (instrument, answers) in enumerate(one.answers.items()):
        yield from _screened(one, at + timedelta(minutes=1), str(part), instrument, answers)


def _screened(
    one: Participant, at: datetime, part: str, instrument: str, answers: dict[str, int]
) -> Iterator[Act]:
    screens = f"/intake/episodes/{_episode(one)}/screens"
    says, body = f"begins {instrument}", {"instrument": instrument}
    begun = asked(one, at, "screen", one.number, says, screens, body, part=part)
    screen = f"/intake/screens/{ref(begun.id, 'screen_id')}"
    yield begun
    says, body = f"answers {instrument}", {"answers": answers}
    yield asked(one, at, "answers", one.number, says, f"{screen}/answers", body, part=part)
    says = f"completes {instrument}"
    yield asked(one, at, "completion", one.number, says, f"{screen}/completion", {}, part=part)


def _decided(one: Participant, cohort: Cohort, at: datetime) -> Iterator[Act]:
    """The rules recommend, a clinician confirms, the participant consents."""
    episode, number, who = f"/intake/episodes/{_episode(one)}", one.number, cohort.facilitator
    says = f"asks which level of care fits {one.name}"
    path = f"{episode}/recommendation"
    yield asked(who, at, "recommendation", number, says, path, {"facts": FACTS})
    says = f"confirms an IOP for {one.name}"
    yield asked(who, at, "level", number, says, f"{episode}/level", {"level": "IOP"})
    body = {"version": "2026-01", "messages": ["email"]}
    yield asked(one, at, "consent", number, "consents", f"{episode}/consents", body)


def _seated(
    one: Participant, cohort: Cohort, admitted_at: datetime, seated_at: datetime
) -> Iterator[Act]:
    who, number = cohort.facilitator, one.number
    path = f"/intake/episodes/{_episode(one)}/admission"
    yield asked(who, admitted_at, "admission", number, f"admits {one.name}", path, {})
    path = f"/scheduling/cohorts/{ref(f'cohort-{cohort.number}', 'cohort_id')}/seats"
    body = {"participant_id": one.id}
    says = f"offers {one.name} a seat in group {cohort.number}"
    yield asked(cohort.clinic.staff("scheduler"), seated_at, "seat", number, says, path, body)


def _episode(one: Participant) -> str:
    return ref(f"referral-{one.number}", "episode_id")
