"""What the demo says: in words while it runs, and a table when it closes."""

import shlex
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from evenkeel_ops.configuration import DEMO
from evenkeel_ops.simulator.act import Act
from evenkeel_ops.simulator.day import DAY, Plan
from evenkeel_ops.simulator.ledger import Ledger
from evenkeel_ops.simulator.people import Cast
from evenkeel_ops.simulator.wanted import Wanted

CURL = "curl -H \"Authorization: Bearer $(./evenkeel token {asked})\" '{address}{path}'"
MOST_FINDINGS = 40


class Story:
    """Tells one run on the terminal, plainly where there is none."""

    def __init__(self, cast: Cast, wanted: Wanted, day: Plan) -> None:
        self.zone = cast.clinics[0].zone
        first = {clinic.id: cast.on_call[clinic.number][0] for clinic in cast.clinics}
        self._on_call = {
            clinic: f"{one.name.capitalize()}, staff of clinic {one.clinic.number}"
            for clinic, one in first.items()
        }
        self._board = ""
        self._where = _option(wanted.directory)
        self._watched = wanted.speed is not None
        self._begins_at = day.begins_at
        self._console = Console(highlight=False, soft_wrap=True)

    def migrated(self, directory: Path, seconds: float) -> None:
        self._row("databases", f"sqlite in {directory}, 5 services migrated {seconds:16.1f} s")
        self._row("broker", "in memory: it forgets, the services' logs do not")
        self._row("mail", f"kept in {directory / 'mail'}, none leaves this machine")
        self._row("delete", f"rm -rf {directory}")

    def first_event(self, seconds: float) -> None:
        self._row("first event", f"announced at T+{seconds:.1f} s")
        self._row("people", "are registered, referred, screened, admitted and seated …")

    def morning(self, address: str, ledger: Ledger) -> None:
        """How to look around, then the day."""
        told = ledger.people()
        self._board = f"{address}/crisis/board"
        somebody = next(iter(self._on_call.values()))
        self._row("case board", f"{self._board} and there sign in as {somebody}")
        self._row("pages", f"{address}/ as anybody of the demo; you are asked for no password")
        self._row("ready", f"{told['seated']} people have a seat; a token lives ten minutes:")
        for role, path in _paths(ledger).items():
            self._say("  " + CURL.format(asked=role + self._where, address=address, path=path))
        self._say("")

    def tell(self, act: Act, granted: bool) -> None:
        """One act, when somebody watches or when it matters."""
        was_quicker = bool(act.tolerates) and not granted
        if act.at < self._begins_at or not (self._watched or act.loud or not granted):
            return
        if was_quicker and not act.loud:
            return
        refused = "  [somebody was quicker]" if was_quicker else "  [refused]"
        self._say(f" {self._local(act.at)}  {act.says}{'' if granted else refused}")
        if self._watched and act.step == "check_in" and act.loud:
            who = self._on_call[act.clinic_id]
            self._say(f"        a case: take it at {self._board}, as {who}")

    def stopped(self, directory: Path) -> None:
        resume = f"./evenkeel demo --resume{self._where}"
        self._say(f"\n stopped; go on with {resume}, or rm -rf {directory}")

    def not_quiet(self, reason: str) -> None:
        self._say(f"\n the day ends here, because it does not become quiet: {reason};")
        self._say(f" ./evenkeel parked list{self._where} says what was set aside and why")

    def closing(self, told: dict[str, Any]) -> None:
        """The ledger: people, events, and what does not agree."""
        table = Table("people", "", "events", "", box=None, pad_edge=False)
        people = [(name.replace("_", " "), str(n)) for name, n in told["people"].items()]
        events = [(name.removeprefix("evenkeel."), str(n)) for name, n in told["events"].items()]
        for line in range(max(len(people), len(events))):
            left = people[line] if line < len(people) else ("", "")
            right = events[line] if line < len(events) else ("", "")
            table.add_row(*left, *right)
        self._console.print(table)
        for finding in told["findings"][:MOST_FINDINGS]:
            self._say(f" {finding}")
        self._say(
            f" {sum(told['events'].values())} events · {told['outages']} outages · "
            f"lost {told['lost']} · duplicate effects {told['duplicated']} · "
            f"out of order {told['out_of_order']}"
        )

    def _local(self, at: datetime) -> str:
        return f"{at.astimezone(ZoneInfo(self.zone)):%H:%M}"

    def _row(self, what: str, says: str) -> None:
        self._say(f" {what:12} {says}")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False)


def _option(directory: Path) -> str:
    """What a command needs to find this demo and not the usual one."""
    return "" if directory == DEMO else f" --directory {shlex.quote(str(directory))}"


def _paths(ledger: Ledger) -> dict[str, str]:
    """Something to look at for each role."""
    referral = ledger.answer_to("referral-1") or {}
    one = referral.get("participant_id", "")
    return {
        "clinician": f"/sessions/days?on={DAY}",
        "supervisor": "/crisis/cases",
        "crisis_lead": "/crisis/cases?state=paging",
        "scheduler": "/scheduling/cohorts",
        "clinic_admin": "/intake/episodes",
        "auditor": f"/notifications/messages?recipient_id={one}",
        "sre": "/crisis/ready",
        "participant": f"/sessions/participants/{one}/day?on={DAY}",
    }
