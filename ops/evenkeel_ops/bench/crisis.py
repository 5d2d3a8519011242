"""What is measured of crisis: how soon many ladders climb."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from crisis.case import Case
from crisis.paging.page import Page
from crisis.rules import LADDERS
from crisis.timeline import Entry
from evenkeel_ops.bench import stage
from evenkeel_ops.bench.clinics import Clinics, clinics
from evenkeel_ops.bench.stage import Child, Stage

SWEPT, SWEEPERS, CLINICS = 10_000, 2, 20
TIER = "T2"
"""Its rungs lie so far apart that all cases can be opened before the first is due."""

IN_A_WHILE = timedelta(minutes=5)

Figures = dict[str, float]


def sweep(scene: Stage, seed: int) -> Figures:
    """Seconds in which two sweepers climb 10,000 cases that are due at once, all committed: rungs,
    pages, deadlines, timeline and events."""
    with clinics(scene, CLINICS) as house:
        interval = LADDERS[TIER].interval(1)
        house.raise_cases(SWEPT, TIER, _now(house) - interval + IN_A_WHILE, seed)
        told = _swept(scene, house)
        _check(house, sum(one["climbed"] for one in told))
    return {"seconds": max(one["ended"] for one in told) - min(one["began"] for one in told)}


def _swept(scene: Stage, house: Clinics) -> list[dict[str, Any]]:
    children = [Child("sweep", {"url": house.urls.work}, "sweeping") for _ in range(SWEEPERS)]
    try:
        for child in children:
            if child.hear() != "ready":
                raise RuntimeError("a sweeper did not get ready")
        with house.database.work() as db:
            db.execute(sa.update(Case).values(next_due_at=db.now))
        house.tidy(scene)
        for child in children:
            child.tell("go")
        return [child.hear() for child in children]
    finally:
        for child in children:
            child.end()


def _check(house: Clinics, climbed: int) -> None:
    """Every case climbed once, with its page, its entry and its event. Raises Unequal."""
    with house.database.work() as db:
        called = Counter(
            db.scalars(sa.select(Entry.case_id).where(Entry.what == "rung_paged")).all()
        )
        paged = Counter(db.scalars(sa.select(Page.case_id).distinct().where(Page.rung == 2)))
        announced = (
            db.connection()
            .exec_driver_sql("SELECT count(*) FROM event_log WHERE type LIKE '%%.rung_paged.%%'")
            .scalar_one()
        )
    if climbed != SWEPT or len(paged) != SWEPT or announced != 2 * SWEPT:
        raise stage.Unequal(f"{climbed} climbed, {len(paged)} paged, {announced} announced")
    if set(called.values()) != {2}:
        raise stage.Unequal("a rung was called twice, or never")


def _now(house: Clinics) -> datetime:
    with house.database.work() as db:
        return db.now
