"""`./evenkeel bench`: speed as ratios of contenders that ran interleaved, in one run."""

import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from evenkeel_ops import machine

app = typer.Typer()

FLOORS = {"receive.stock": 500.0, "relay.one_by_one": 300.0}
"""Events a second below which an opponent proves nothing."""


@dataclass(frozen=True)
class Figure:
    """One published number: how it follows from a round, and what it must meet."""

    name: str
    measure: str
    of: Callable[[dict[str, float]], float]
    least: float | None = None
    most: float | None = None

    def met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )

    def goal(self) -> str:
        return f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"


FIGURES = (
    Figure("receive_vs_nameko_inbox", "receive", lambda r: r["ours"] / r["stock"], least=6),
    Figure("receive_poisoned_vs_nameko_inbox", "receive",
           lambda r: r["poisoned"] / r["stock"], least=4),
    Figure("receive_per_s", "receive", lambda r: r["ours"], least=0),
    Figure("relay_vs_one_by_one", "relay", lambda r: r["ours"] / r["one_by_one"], least=20),
    Figure("hop_p50_over_reference", "hop", lambda r: r["ours_p50"] / r["reference_p50"], most=3),
    Figure("hop_p99_over_reference", "hop", lambda r: r["ours_p99"] / r["reference_p99"], most=6),
    Figure("urgent_p99_over_shared", "urgent", lambda r: r["ours"] / r["shared"], most=0.02),
    Figure("urgent_p99_ms", "urgent", lambda r: 1000 * r["ours"], most=50),
    Figure("growth_ratio", "growth",
           lambda r: min(r["relay_grown"] / r["relay_empty"],
                         r["receive_grown"] / r["receive_empty"]), least=0.8),
    Figure("embedded_hops_per_s", "embedded", lambda r: r["hops_per_s"], least=1000),
    Figure("sweep_10000_s", "sweep", lambda r: r["seconds"], most=1),
)  # fmt: skip

MEASURES = {
    "backbone": ("receive", "relay", "hop", "urgent", "growth", "embedded"),
    "crisis": ("sweep",),
}
MODULES = {"backbone": "measures", "crisis": "crisis"}

EXAMPLES = """Examples: evenkeel bench, evenkeel bench --only receive --rounds 3 --json, evenkeel
bench crisis --json"""


@app.command(epilog=EXAMPLES)
def bench(
    what: Annotated[str, typer.Argument(help="backbone or crisis.")] = "backbone",
    rounds: Annotated[int, typer.Option(help="Rounds besides the warm-up.", min=1)] = 5,
    only: Annotated[
        list[str] | None, typer.Option(help=f"Of {', '.join(chain(*MEASURES.values()))}.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the contenders' order.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One object on the last line.")] = False,
) -> None:
    """Measure on private nodes: hops, relay, urgency and growth against the stock way; or how
    soon 10,000 ladders of crisis climb that are due at once."""
    machine.need(machine.NODES)
    if what not in MEASURES:
        raise typer.BadParameter(f"measures {' or '.join(MEASURES)}")
    if set(only or ()) - set(MEASURES[what]):
        raise typer.BadParameter(f"--only takes {', '.join(MEASURES[what])}")
    chosen = [name for name in MEASURES[what] if not only or name in only]
    played = _play(MODULES[what], chosen, rounds, seed)
    results = _results(played)
    failed = [f.name for f in FIGURES if f.name in results and not f.met(results[f.name])]
    weak = _weak(played)
    _print(results, played)
    for name in weak:
        print(f"{name} is slower than its floor of {FLOORS[name]:.0f}/s: it proves nothing")
    if as_json:
        print(json.dumps({**results, "contenders": _medians(played), "rounds": played}))
    raise typer.Exit(bool(failed or weak))


def _play(module: str, chosen: list[str], rounds: int, seed: int) -> list[dict[str, Any]]:
    """One warm-up round that does not count, then the others, every measure in each."""
    measures = import_module(f"evenkeel_ops.bench.{module}")  # it may declare events of its own
    played = []
    scene = measures.Stage()
    try:
        with Progress(transient=True) as progress:
            task = progress.add_task("bench", total=(rounds + 1) * len(chosen))
            for number in range(rounds + 1):
                figures: dict[str, Any] = {}
                for name in chosen:
                    progress.update(task, description=f"round {number}: {name}")
                    figures[name] = getattr(measures, name)(scene, seed + number)
                    progress.advance(task)
                if number:
                    played.append(figures)
    finally:
        scene.close()
    return played


def _results(played: list[dict[str, Any]]) -> dict[str, float]:
    return {
        figure.name: statistics.median(figure.of(one[figure.measure]) for one in played)
        for figure in FIGURES
        if figure.measure in played[0]
    }


def _medians(played: list[dict[str, Any]]) -> dict[str, float]:
    return {
        f"{measure}.{contender}": statistics.median(one[measure][contender] for one in played)
        for measure, contenders in played[0].items()
        for contender in contenders
    }


def _weak(played: list[dict[str, Any]]) -> list[str]:
    medians = _medians(played)
    return [name for name, floor in FLOORS.items() if medians.get(name, floor) < floor]


def _print(results: dict[str, float], played: list[dict[str, Any]]) -> None:
    told = Console()
    told.print(f"{platform.machine()}, {time.strftime('%Y-%m-%d')}, {len(played)} rounds")
    table = Table("figure", "median", "range", "goal", "", box=None, pad_edge=False)
    for figure in (f for f in FIGURES if f.name in results):
        values = [figure.of(one[figure.measure]) for one in played]
        met = "[green]met" if figure.met(results[figure.name]) else "[red]missed"
        table.add_row(
            figure.name,
            f"{results[figure.name]:.4g}",
            f"{min(values):.4g} to {max(values):.4g}",
            figure.goal(),
            met,
        )
    told.print(table)
    absolute = Table("contender", "median", box=None, pad_edge=False)
    for name, value in _medians(played).items():
        absolute.add_row(name, f"{value:.5g}")
    told.print(absolute)
