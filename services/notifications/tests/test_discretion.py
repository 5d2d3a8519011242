"""What may stand in a message, a sender's name or the title of a calendar entry."""

import pytest

from notifications.discretion import (
    BANNED_ABBREVIATIONS,
    BANNED_ANYWHERE,
    BANNED_IN_SPANISH,
    BANNED_TERMS,
    said_too_much,
)

EVERY_TERM = (*BANNED_TERMS, *BANNED_IN_SPANISH, *BANNED_ABBREVIATIONS, *BANNED_ANYWHERE)


def test_the_lists_of_banned_terms_are_long_plain_and_have_no_term_twice():
    assert len(BANNED_TERMS) >= 60
    assert len(BANNED_IN_SPANISH) >= 50
    for terms in (BANNED_TERMS, BANNED_IN_SPANISH, BANNED_ABBREVIATIONS, BANNED_ANYWHERE):
        assert len(set(terms)) == len(terms)
        assert all(term == term.lower().strip() and term.isascii() for term in terms)


@pytest.mark.parametrize("term", EVERY_TERM)
def test_every_banned_term_is_found_in_any_case_and_at_the_end_of_a_sentence(term):
    assert said_too_much(f"Reminder: {term.upper()}.")
    assert said_too_much(f"Your {term}-day")


@pytest.mark.parametrize(
    "planted",
    [
        # the programme
        "Your IOP starts at 9", "intensive outpatient", "Programme today", "programa intensivo",
        "tratamiento ambulatorio", "PHP", "Cohort 3", "Grupo de la mañana",
        # a diagnosis
        "Anxiety", "your depression", "Depresión", "ansiedad", "TRASTORNO bipolar", "esquizofrenia",
        "PTSD", "TEPT", "TDAH", "TOC", "bulimia", "adicción", "alcoholismo", "fobias", "estrés",
        # a word of therapy
        "Therapist", "Your Therapies", "teletherapy", "psychotherapy", "neuropsychology", "Terapia",
        "terapeuta", "psicólogo", "Psicoterapia", "psiquiatra", "sesión", "sesiones", "consejería",
        "antidepresivos", "medicación", "medicamentos", "médica", "salud mental", "autolesión",
        "recaída", "síntomas", "pacientes", "riesgo", "tarea", "emociones", "estado de ánimo",
        "recuperación", "rehabilitación", "sustancias", "sobriedad", "apoyo", "cuidados",
    ],
)  # fmt: skip
def test_the_programme_a_diagnosis_and_a_word_of_therapy_are_found_with_endings_and_accents(
    planted,
):
    assert said_too_much(planted), planted


@pytest.mark.parametrize(
    "disguised",
    [
        "Thérapie at nine", "\uff43\uff4c\uff49\uff4e\uff49\uff43", "the\u200brapy",
        "the\u00adrapy", "TERAPI\u0301A",
    ],
)  # fmt: skip
def test_accents_letters_of_compatibility_and_what_is_not_seen_hide_nothing(disguised):
    assert said_too_much(disguised)


@pytest.mark.parametrize(
    "harmless",
    [
        "Furniture, showcase and eclipse", "Lantern House", "Harbor Street", "Su cita", "mañana",
        "Recordatorio", "Puede tocar aquí", "La Tocata", "Morning appointment", "Cita de la tarde",
        "Maple & Main Consulting", "Casa Faro", "Tiene algo por terminar", "Tomorrow at 9:00 AM",
    ],
)  # fmt: skip
def test_words_that_only_look_like_a_banned_term_are_let_pass(harmless):
    assert said_too_much(harmless) == []
