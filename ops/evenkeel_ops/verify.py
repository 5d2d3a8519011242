"""`./evenkeel verify`: the proofs that take too long for every run of the tests."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from evenkeel_ops import machine
from evenkeel_ops.drills import engine, ladders, misfortunes, repertoire
from evenkeel_ops.drills.drill import Drill, Nodes, Verdict
from evenkeel_ops.drills.ladders import LadderDrill
from evenkeel_ops.drills.repertoire import POINTS, SWEEPER_POINTS, VICTIMS, Outcome, Told

LOGS = machine.ROOT / ".evenkeel" / "verify"
SIGTERMS = 20
BROKER_OFF_SECONDS = 30.0
CONTROLS = "controls and restored database"
CONTROL_TESTS = ("tests/failures/controls", "tests/failures/test_restored_database.py")
COLUMNS = ("drill", "kills", "events", "lost", "doubled", "out of order", "worst recovery")

MISFORTUNES: dict[str, Callable[..., Outcome]] = {
    "database dies": partial(misfortunes.database_dies, times=50),
    "no connection left": partial(misfortunes.connections_are_taken, seconds=60),
    "table locked": partial(misfortunes.table_is_locked, seconds=25),
    "standing still": partial(misfortunes.sweeper_stands_still, point="sweeper.before_commit"),
    "providers refuse": partial(misfortunes.providers_refuse, seconds=60),
    "replies lost": partial(misfortunes.replies_are_lost, seconds=30),
}

EXAMPLES = """Examples: evenkeel verify failures, evenkeel verify failures --kills 5 --json,
evenkeel verify failures --long --only engine"""

app = typer.Typer(help="Proofs that take long.", no_args_is_help=True, epilog=EXAMPLES)
Run = Callable[[Nodes, int, Told], Outcome]


@dataclass
class Row:
    """One line of the report."""

    drill: str
    kills: int
    events: int
    lost: int
    doubled: int
    out_of_order: int
    worst_recovery: float
    faults: list[str]
    notes: dict[str, float]

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.out_of_order or self.faults)


@app.callback()
def verify() -> None:
    """Proofs that take long."""


@app.command(epilog=EXAMPLES)
def failures(
    kills: Annotated[int, typer.Option(help="Random instants for each victim.", min=2)] = 30,
    seed: Annotated[int | None, typer.Option(help="Of every chance; printed.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Drills whose name has this.")] = None,
    long: Annotated[
        bool, typer.Option("--long", help="Drive the engine of crisis by chance too, for hours.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object on the last line.")] = False,
) -> None:
    """Kill real processes under load: nothing may be lost, doubled or out of order."""
    machine.need(machine.NODES)
    seed = random.SystemRandom().getrandbits(24) if seed is None else seed
    every = drills(kills) | (engine.LONG if long else {})
    asked = [name for name in (*every, CONTROLS) if any(o in name for o in only or [""])]
    if not asked:
        raise typer.BadParameter("no drill is called that")
    console = Console(stderr=as_json)
    console.print(f"seed {seed}")
    rows = run_all({name: every[name] for name in asked if name in every}, seed, console)
    is_caught = CONTROLS not in asked or controls_are_caught(seed, console)
    console.print(table_of(rows))
    for row in rows:
        for fault in row.faults:
            console.print(f"{row.drill}: {fault}", style="red", markup=False, soft_wrap=True)
        if row.notes:
            told = ", ".join(f"{name} {value:g}" for name, value in row.notes.items())
            console.print(f"{row.drill}: {told}", markup=False, soft_wrap=True)
    is_clean = is_caught and all(row.is_clean for row in rows)
    if as_json:
        print(json.dumps({"seed": seed, "is_clean": is_clean, "drills": [asdict(r) for r in rows]}))
    if not is_clean:
        raise typer.Exit(1)


def drills(kills: int) -> dict[str, Run]:
    """Every drill by its name, each on fresh databases and queues of the same nodes."""
    every = {
        "every crash point": _drill(partial(repertoire.crash_points, points=POINTS)),
        "every crash point, twice as many": _drill(
            partial(repertoire.crash_points, points=POINTS), relayers=2, receivers=2, log_road=True
        ),
        "sweeper, crash points": _ladder_drill(
            partial(ladders.sweepers_die_at, points=SWEEPER_POINTS)
        ),
    }
    for name, run in MISFORTUNES.items():
        every[f"ladder, {name}"] = _ladder_drill(run)
    for victim in (*VICTIMS, "any"):
        victims = VICTIMS if victim == "any" else (victim,)
        for road, share in (("broker alone", kills - kills // 2), ("both roads", kills // 2)):
            run = partial(repertoire.random_kills, victims=victims, kills=share)
            log_road = road == "both roads"
            every[f"{victim}, {road}"] = _drill(run, relayers=2, receivers=2, log_road=log_road)
    return every | {
        "sweeper": _ladder_drill(partial(ladders.sweepers_die, kills=kills)),
        "told to stop": _drill(partial(repertoire.sigterm, times=SIGTERMS)),
        "broker off": _drill(
            partial(repertoire.broker_off, seconds=BROKER_OFF_SECONDS), log_road=True
        ),
    }


def run_all(chosen: dict[str, Run], seed: int, console: Console) -> list[Row]:
    """Run drills one after the other, telling what is under way."""
    rows = []
    with Nodes() as nodes, Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=len(chosen))
        for n, (name, run) in enumerate(chosen.items()):
            struck = [0]

            def told(victim: str, name: str = name, struck: list[int] = struck) -> None:
                struck[0] += 1
                progress.update(task, description=f"{name}: {struck[0]} {victim}")

            progress.update(task, description=name)
            try:
                outcome = run(nodes, seed + n, told)
            except (TimeoutError, AssertionError) as failed:
                outcome = Outcome(struck[0], Verdict(0), faults=[str(failed)])
            rows.append(row := row_of(name, outcome))
            told_of = "clean" if row.is_clean else "NOT CLEAN"
            progress.console.print(f"{name}: {row.kills} kills, {row.events} events, {told_of}")
            progress.advance(task)
        _keep_logs(nodes)
    return rows


def row_of(name: str, outcome: Outcome) -> Row:
    """What the report says of an outcome; the first of each kind of violation is told in words."""
    verdict = outcome.verdict
    disorder = verdict.out_of_order + verdict.out_of_order_on_the_wire + verdict.misplaced
    told = [f"{oracle}: {found[0]}" for oracle, found in verdict.violations.items()]
    nothing = [] if verdict.events or outcome.faults else ["nothing happened"]
    return Row(
        name,
        outcome.kills,
        verdict.events,
        len(verdict.lost),
        len(verdict.doubled) + len(verdict.invented),
        len(disorder),
        round(outcome.worst_recovery, 2),
        [*outcome.faults, *told, *nothing],
        {name: round(value, 2) for name, value in outcome.notes.items()},
    )


def table_of(rows: list[Row]) -> Table:
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for row in rows:
        counts = (row.kills, row.events, row.lost, row.doubled, row.out_of_order)
        recovery = f"{row.worst_recovery:.1f} s" if row.worst_recovery else ""
        table.add_row(row.drill, *map(str, counts), recovery, style="" if row.is_clean else "red")
    return table


def controls_are_caught(seed: int, console: Console) -> bool:
    """Whether each wrong variant is caught by its oracle, and a restored database is refused."""
    run = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-rA", *CONTROL_TESTS],
        cwd=machine.ROOT,
        env={**os.environ, "EVENKEEL_DRILL_SEED": str(seed)},
        capture_output=True,
        text=True,
    )
    is_caught = run.returncode == 0 and "passed" in run.stdout
    told = [line for line in run.stdout.splitlines() if "caught by" in line]
    told = [*told, *run.stdout.splitlines()[-1:]] if is_caught else [run.stdout, run.stderr]
    console.print("\n".join(told), markup=False)
    return is_caught


def _drill(
    run: Callable[..., Outcome], *, relayers: int = 1, receivers: int = 1, log_road: bool = False
) -> Run:
    def start(nodes: Nodes, seed: int, told: Told) -> Outcome:
        with Drill(nodes, seed=seed, log_road=log_road) as drill:
            drill.start_all(relayers=relayers, receivers=receivers)
            return run(drill, told=told)

    return start


def _ladder_drill(run: Callable[..., Outcome]) -> Run:
    def start(nodes: Nodes, seed: int, told: Told) -> Outcome:
        with LadderDrill(nodes, seed=seed) as drill:
            return run(drill, told=told)

    return start


def _keep_logs(nodes: Nodes) -> None:
    """What the programs wrote, for whoever must find out why."""
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    for log in nodes.directory.glob("*.log"):
        if log.stat().st_size:
            shutil.copyfile(log, LOGS / log.name)
