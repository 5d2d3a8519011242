"""Every reachable C-SSRS vector, every scoring row of PHQ-9, GAD-7 and ASQ."""

import csv
from itertools import product
from pathlib import Path

import pytest

from intake import instruments
from intake.instruments import ASQ, C_SSRS, CRISIS_TIER, GAD_7, INSTRUMENTS, PHQ_9, Sign

FIXTURES = Path(__file__).parent / "fixtures"
WORDS = {"yes": 1, "no": 0}


def rows(name):
    with (FIXTURES / name).open() as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


VECTORS = rows("cssrs_vectors.csv")
SCORING = [row for row in rows("instrument_scoring.csv") if row["instrument"] in INSTRUMENTS]


def scoring(instrument, kind, applies_to=None):
    return [
        row
        for row in SCORING
        if (row["instrument"], row["kind"]) == (instrument, kind)
        and applies_to in (None, row["applies_to"])
    ]


def within(row):
    return range(int(row["min"]), int(row["max"]) + 1)


def answers_of(vector):
    items = INSTRUMENTS[C_SSRS].items
    return {item: WORDS[vector[item]] for item in items if vector[item] != "not_asked"}


def under_triaging(answers):
    """A public FHIR guide's reading: item 4 alone is moderate."""
    tier = instruments.suicide_tier(C_SSRS, answers)
    graver = answers.get("q5") or answers.get("q6_within_3_months")
    return "MODERATE" if answers.get("q4") and not graver else tier


def mistaken(tier_of):
    return [v["vector"] for v in VECTORS if tier_of(answers_of(v)) != v["tier"]]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["vector"])
def test_a_cssrs_vector_has_its_tier_and_its_reasons(vector):
    answers = answers_of(vector)
    tier, because = instruments.finding(C_SSRS, answers)
    assert instruments.suicide_tier(C_SSRS, answers) == tier == vector["tier"]
    assert "+".join(because) == vector["fired_by"]
    assert CRISIS_TIER.get(tier, "none") == vector["crisis_tier"]
    assert instruments.missing(C_SSRS, answers) == ()


def test_all_54_vectors_are_tried_and_a_reading_that_under_triages_item_4_is_caught():
    assert len(VECTORS) == 54
    assert mistaken(lambda answers: instruments.suicide_tier(C_SSRS, answers)) == []
    assert len(mistaken(under_triaging)) == 8


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["vector"])
def test_no_prefix_of_a_cssrs_vector_is_called_none_and_no_sign_is_lower_than_a_former_one(vector):
    answers, gravest = {}, 0
    urgency = {None: 0, "T3": 1, "T2": 2, "T1": 3}
    for item, value in answers_of(vector).items():
        if answers:
            assert instruments.suicide_tier(C_SSRS, answers) != "NONE"
        answers[item] = value
        sign = instruments.sign_of(C_SSRS, answers)
        assert urgency[sign and sign.tier] >= gravest
        gravest = urgency[sign and sign.tier]


@pytest.mark.parametrize("item", ["q3", "q4", "q5"])
def test_answers_that_contradict_a_no_to_item_2_are_incomplete_at_least(item):
    for value, expected in ((0, {"INCOMPLETE"}), (1, {"INCOMPLETE", "HIGH"})):
        answers = {"q1": 0, "q2": 0, item: value, "q6": 0}
        assert instruments.suicide_tier(C_SSRS, answers) in expected
        assert instruments.sign_of(C_SSRS, answers).tier in ("T1", "T2")


@pytest.mark.parametrize("instrument", [PHQ_9, GAD_7])
def test_every_total_has_the_band_of_the_scoring_table(instrument):
    for row in scoring(instrument, "band"):
        assert {instruments.band_of_total(instrument, t) for t in within(row)} == {row["label"]}
    about = INSTRUMENTS[instrument]
    (positive,) = scoring(instrument, "cutoff", "total")[:1]
    assert positive["label"] == "positive"
    for points in range(len(about.items) * about.highest + 1):
        assert instruments.is_positive(instrument, points) == (points in within(positive))


@pytest.mark.parametrize("instrument", [PHQ_9, GAD_7])
def test_a_total_is_the_sum_of_all_items(instrument):
    about = INSTRUMENTS[instrument]
    for value in range(about.highest + 1):
        answers = dict.fromkeys(about.items, value)
        points = value * len(about.items)
        assert instruments.total(instrument, answers) == points
        assert instruments.band(instrument, answers) == instruments.band_of_total(
            instrument, points
        )


def test_reliable_change_lies_in_the_range_of_the_evidence():
    for instrument, points in instruments.RELIABLE_CHANGE.items():
        (row,) = scoring(instrument, "change_threshold")
        assert points in within(row)


def test_item_9_opens_a_suicide_screen_and_2_or_3_is_t2():
    step, urgent = scoring(PHQ_9, "item_rule")
    for value in range(4):
        answers = {"phq9_9": value}
        assert instruments.asks_for_suicide_screen(answers) == (value in within(step))
        sign = instruments.sign_of(PHQ_9, answers)
        assert (sign and sign.tier) == ("T2" if value in within(urgent) else None)


def test_an_asq_has_the_label_and_the_tier_of_the_scoring_table():
    negative, positive, imminent, not_imminent, missing = scoring(ASQ, "item_rule")
    for first_four in product((0, 1), repeat=4):
        answers = {f"asq_{i}": value for i, value in enumerate(first_four, 1)}
        if sum(first_four) in within(negative):
            assert instruments.missing(ASQ, answers) == ()
            assert instruments.band(ASQ, answers) == negative["label"]
            assert instruments.sign_of(ASQ, answers) is None
            continue
        assert sum(first_four) in within(positive)
        assert instruments.missing(ASQ, answers) == ("asq_5",)
        assert instruments.sign_of(ASQ, answers) == Sign("T2", "asq_positive")
        for row, tier in ((imminent, "T1"), (not_imminent, "T2")):
            ended = {**answers, "asq_5": int(row["min"])}
            assert instruments.band(ASQ, ended) == row["label"]
            assert instruments.sign_of(ASQ, ended).tier == tier
            assert tier in row["action"]
    assert instruments.suicide_tier(ASQ, {"asq_1": 0}) == missing["label"]


def test_a_yes_to_asq_item_5_is_imminent_even_alone():
    assert instruments.sign_of(ASQ, {"asq_5": 1}) == Sign("T1", "asq_imminent")


def test_incomplete_is_never_taken_for_less_than_low():
    for tier in instruments.SUICIDE_TIERS:
        assert instruments.higher(tier, "INCOMPLETE") in ("INCOMPLETE", "MODERATE", "HIGH")


def test_gad_7_gives_no_sign_of_danger():
    answers = dict.fromkeys(INSTRUMENTS[GAD_7].items, 3)
    assert instruments.sign_of(GAD_7, answers) is None


@pytest.mark.parametrize(
    ("instrument", "answers", "wrong"),
    [
        (PHQ_9, {"phq9_1": 4}, {"phq9_1"}),
        (PHQ_9, {"phq9_1": -1, "gad7_1": 0}, {"phq9_1", "gad7_1"}),
        (C_SSRS, {"q1": 2, "q7": 0}, {"q1", "q7"}),
        (ASQ, {"asq_1": 1}, set()),
    ],
)
def test_what_is_no_answer_is_named(instrument, answers, wrong):
    assert set(instruments.wrong_answers(instrument, answers)) == wrong
