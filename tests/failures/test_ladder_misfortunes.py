"""What befalls the ladder besides the death of a sweeper, briefly; `./evenkeel verify failures` has
it last longer. Every rung is called once, at its own deadline, and nobody is paged twice unsaid."""

import pytest

from evenkeel_ops.drills import misfortunes
from evenkeel_ops.drills.ladders import LadderDrill


@pytest.fixture
def drill(nodes, seed):
    with LadderDrill(nodes, seed=seed) as drill:
        yield drill


def test_d1_the_database_dies_while_cases_become_due(drill):
    outcome = misfortunes.database_dies(drill, 2)
    assert outcome.is_clean, outcome


def test_d4_nobody_gets_a_connection_any_more(drill):
    outcome = misfortunes.connections_are_taken(drill, 4)
    assert outcome.is_clean, outcome


def test_d5_somebody_holds_the_table_of_the_cases(drill):
    outcome = misfortunes.table_is_locked(drill, 4)
    assert outcome.is_clean, outcome


def test_w2_a_sweeper_stands_still_in_a_transaction_and_goes_on_later(drill):
    outcome = misfortunes.sweeper_stands_still(drill, "sweeper.before_commit")
    assert outcome.is_clean, outcome


def test_n1_n4_what_every_provider_refuses_never_counts_as_sent(drill):
    """Planted fault: take a refusal for an acceptance."""
    outcome = misfortunes.providers_refuse(drill, 4)
    assert outcome.is_clean, outcome


def test_n2_what_was_accepted_without_a_word_is_repeated_only_as_a_possible_repeat(drill):
    """Planted fault: `may_repeat` of a lost reply is not kept."""
    outcome = misfortunes.replies_are_lost(drill, 3)
    assert outcome.is_clean, outcome
