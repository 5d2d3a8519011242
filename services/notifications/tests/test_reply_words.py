"""What is read from the words of a reply; the lists themselves are the rule."""

import pytest

from notifications import answers, reply_words
from notifications.reply_words import CANNOT_COME, HELP, RISK, START, STOP, read

GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The basic alphabet of GSM 03.38, in which a text may have 160 characters."""

LISTS = {
    STOP: (reply_words.STOP_ALONE, reply_words.STOP_WITHIN),
    START: (reply_words.START_ALONE,),
    HELP: (reply_words.HELP_ALONE,),
    CANNOT_COME: (reply_words.CANNOT_COME_WITHIN,),
    RISK: (reply_words.RISK_ALONE, reply_words.RISK_WITHIN),
}
LISTED = [
    (kind, language, phrase)
    for kind, lists in LISTS.items()
    for phrases in lists
    for language, listed in phrases.items()
    for phrase in listed
]


@pytest.mark.parametrize(
    "word", ["stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"]
)
@pytest.mark.parametrize("written", ["{}", "{}.", " {}! ", "Please {}", "{} pls", "{}, thanks"])
def test_the_seven_words_of_the_rule_end_texts_however_they_are_written(word, written):
    for shown in (word, word.upper(), word.title()):
        assert read(written.format(shown)).kinds == {STOP}


@pytest.mark.parametrize(
    "text",
    [
        "please stop texting me", "Stop! You keep writing", "STOP PLEASE", "Don't text me again",
        "don\u2019t text me", "do not contact me any more", "take me off your list",
        "no more texts!!",
        "I want to unsubscribe from this", "wrong number", "Leave me alone", "opt-out", "STOPALL",
        "por favor no me escriban", "No más mensajes", "¡Basta!", "ALTO", "dejen de escribirme",
        "quítenme de la lista", "denme de baja", "NÚMERO EQUIVOCADO",
    ],
)  # fmt: skip
def test_any_reasonable_wording_ends_texts(text):
    assert STOP in read(text).kinds


@pytest.mark.parametrize(
    "text",
    [
        "I can't stop crying",
        "the bus stop is far",
        "when does it end?",
        "ok thanks",
        "can I cancel tomorrow",
        "para mañana está bien",
        "at the end of the day",
        "",
    ],
)
def test_words_that_only_occur_in_a_sentence_end_nothing(text):
    assert STOP not in read(text).kinds


@pytest.mark.parametrize(
    "text",
    [
        "I want to die", "i wanna die", "I\u2019m going to kill myself", "kms", "better off dead",
        "I took all my pills", "I am suicidal", "suicidial thoughts",
        "dont want to be here anymore",
        "I'm not suicidal", "help me", "I don't feel safe, he hit me", "I am not safe",
        "quiero morir", "Me quiero morir", "no quiero vivir más", "ya no puedo más",
        "pienso en el suicidio", "voy a matarme", "necesito ayuda", "estaría mejor muerta",
    ],
)  # fmt: skip
def test_words_that_may_mean_danger_are_taken_to_mean_it(text):
    assert RISK in read(text).kinds


@pytest.mark.parametrize(
    "text",
    ["see you tomorrow", "this is killing time", "can you help me find the link?", "ok", "yes"],
)
def test_everyday_words_are_not(text):
    assert RISK not in read(text).kinds


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("STOP I want to die", {STOP, RISK}),
        ("I want to die. stop texting me", {STOP, RISK}),
        ("stop, I can't come tomorrow", {STOP, CANNOT_COME}),
        ("can't come, I want to die", {CANNOT_COME, RISK}),
        ("no me escriban, quiero morir", {STOP, RISK}),
        ("No puedo ir mañana", {CANNOT_COME}),
        ("sorry I can\u2019t make it today", {CANNOT_COME}),
        ("HELP", {HELP}),
        ("ayuda", {HELP}),
        ("start", {START}),
        ("lalala", set()),
    ],
)
def test_everything_that_is_asked_for_is_read(text, kinds):
    """Planted fault: a reading that ends at the first kind loses the danger behind a STOP."""
    assert read(text).kinds == kinds


@pytest.mark.parametrize(("kind", "language", "phrase"), LISTED)
def test_every_phrase_of_a_list_is_read_as_what_it_is(kind, language, phrase):
    found = read(phrase.upper())
    assert kind in found.kinds
    assert reply_words.plain(phrase) == phrase, "a phrase that is not plain is never found"
    assert found.language in (language, "es")


def test_who_writes_spanish_is_answered_in_spanish():
    assert read("quiero morir").language == read("alto").language == "es"
    assert read("stop").language == read("lalala").language == read("suicide").language == "en"


@pytest.mark.parametrize("code", answers.ANSWERS)
@pytest.mark.parametrize("language", ["en", "es"])
def test_every_answer_fits_one_text(code, language):
    said = answers.text(code, language)
    assert len(said) <= 160
    assert set(said) <= set(GSM)


@pytest.mark.parametrize("language", ["en", "es"])
def test_who_may_be_in_danger_gets_the_numbers(language):
    for code in (answers.NUMBERS, answers.NUMBERS_ALONE):
        assert {"988", "911"} <= set(answers.text(code, language).replace(",", " ").split())
