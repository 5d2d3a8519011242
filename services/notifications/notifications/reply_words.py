"""What a reply asks for, read from its words: several things at once, where several are said.

The lists err on the side of a human: words that may mean danger are taken to mean it, "not" before
them changes nothing, and what no list knows is for the staff to ask about. Nothing here assesses
anybody. Phrases are matched in whole words, without accents, apostrophes or case.
"""

import re
import unicodedata
from dataclasses import dataclass

RISK, STOP, START, HELP, CANNOT_COME = "risk", "stop", "start", "help", "cannot_come"
ENGLISH, SPANISH = "en", "es"

Phrases = dict[str, tuple[str, ...]]

STOP_ALONE: Phrases = {
    ENGLISH: (
        "stop", "quit", "end", "revoke", "opt out", "optout", "cancel", "unsubscribe", "stopall",
        "stop all", "remove", "no more", "enough",
    ),
    SPANISH: (
        "alto", "parar", "pare", "para", "basta", "no mas", "cancelar", "terminar", "fin",
        "detener", "salir", "baja",
    ),
}  # fmt: skip
"""Whole replies, "please" aside. The first seven are those of the rule on revoking consent
(47 CFR 64.1200(a)(10)): https://www.govinfo.gov/content/pkg/FR-2024-03-05/html/2024-04587.htm
The next one or two are carriers' own; Spanish and the rest are this project's (LEGAL)."""

STOP_WITHIN: Phrases = {
    ENGLISH: (
        "unsubscribe", "opt out", "opt me out", "stop texting", "stop messaging", "stop sending",
        "stop these", "stop the texts", "stop the messages", "stop contacting", "stop writing",
        "dont text", "do not text", "dont message", "do not message", "dont contact",
        "do not contact", "dont send", "do not send", "dont write", "do not write",
        "no more texts", "no more messages", "quit texting", "remove me", "remove my number",
        "take me off", "take my number off", "leave me alone", "delete my number",
        "lose my number", "wrong number", "revoke my consent", "i revoke",
    ),
    SPANISH: (
        "no me escriban", "no me escriba", "no me manden", "no me mande", "no me envien",
        "no me envie", "no mas mensajes", "no quiero mensajes", "no quiero mas mensajes",
        "dejen de escribirme", "deje de escribirme", "dejen de mandarme", "dejen de enviarme",
        "paren de", "borren mi numero", "quitenme", "quiteme", "denme de baja", "deme de baja",
        "darme de baja", "numero equivocado", "dejenme en paz",
    ),
}  # fmt: skip
"""Any reasonable wording counts, says the same rule; this list is this project's, and what it
misses is for the staff to see the same day (LEGAL)."""

STOP_FIRST: Phrases = {ENGLISH: ("stop",), SPANISH: ()}
"""A reply that begins so, or ends with "please" and this."""

START_ALONE: Phrases = {
    ENGLISH: ("start", "unstop", "resume", "subscribe", "opt in"),
    SPANISH: ("empezar", "comenzar", "iniciar", "reanudar"),
}
HELP_ALONE: Phrases = {ENGLISH: ("help", "info"), SPANISH: ("ayuda", "informacion")}
"""Carriers' words, and their Spanish:
https://support.twilio.com/hc/en-us/articles/223134027"""

CANNOT_COME_WITHIN: Phrases = {
    ENGLISH: (
        "cant come", "cannot come", "can not come", "cant make it", "cannot make it",
        "cant be there", "cannot be there", "cant attend", "cannot attend", "wont be there",
        "wont make it", "will not be there", "not coming", "not going to make it", "have to miss",
        "need to miss", "will miss",
    ),
    SPANISH: (
        "no puedo ir", "no puedo venir", "no puedo asistir", "no puedo llegar", "no podre ir",
        "no podre asistir", "no voy a poder", "no voy a ir", "no asistire", "no ire",
        "voy a faltar",
    ),
}  # fmt: skip

RISK_WITHIN: Phrases = {
    ENGLISH: (
        "kill myself", "killing myself", "kill me", "kms", "unalive", "end my life",
        "ending my life", "end it all", "end it tonight", "take my life", "taking my own life",
        "take my own life", "want to die", "wants to die", "wanna die", "want to be dead",
        "wish i was dead", "wish i were dead", "wish i wasnt here", "wish i had never been born",
        "better off dead", "better off without me", "rather be dead", "ready to die",
        "going to die", "gonna die", "dont want to live", "do not want to live", "dont wanna live",
        "dont want to be alive", "dont want to be here anymore", "dont want to wake up",
        "no reason to live", "nothing to live for", "no way out", "cant go on", "cannot go on",
        "cant do this anymore", "cant take it anymore", "cant take this anymore", "done living",
        "tired of living", "tired of life", "hurt myself", "hurting myself", "harm myself",
        "harming myself", "self harm", "selfharm", "cut myself", "cutting myself", "hang myself",
        "shoot myself", "drown myself", "overdose", "overdosed", "took too many pills",
        "took all my pills", "took all the pills", "suicide", "suicidal", "goodbye forever",
        "final goodbye", "not safe", "unsafe", "in danger", "this is an emergency",
        "he hit me", "she hit me", "hitting me", "going to hurt me",
        "kill him", "kill her", "kill them", "kill someone", "hurt someone", "hurt somebody",
    ),
    SPANISH: (
        "matarme", "me quiero matar", "me voy a matar", "quitarme la vida", "me quito la vida",
        "quiero morir", "quiero morirme", "me quiero morir", "ganas de morir", "ojala me muera",
        "ojala no hubiera nacido", "estaria mejor muerto", "estaria mejor muerta", "mejor muerto",
        "mejor muerta", "mejor sin mi", "no quiero vivir", "no quiero seguir viviendo",
        "no quiero despertar", "sin razon para vivir", "no vale la pena vivir", "acabar con todo",
        "acabar con mi vida", "terminar con mi vida", "no puedo mas", "ya no puedo mas",
        "no aguanto mas", "ya no aguanto", "no hay salida", "hacerme dano", "me hago dano",
        "lastimarme", "cortarme", "ahorcarme", "sobredosis", "suicidio", "suicidarme",
        "suicida", "no estoy a salvo", "estoy en peligro", "es una emergencia",
        "me pego", "me golpeo", "me va a matar", "matarlo", "matarla",
        "adios para siempre",
    ),
}  # fmt: skip
"""After the warning signs that the National Institute of Mental Health lists (wanting to die,
killing oneself, no reason to live, trapped, a burden, saying goodbye), in words people write; those
about violence are this project's. **A licensed clinician must confirm the list.**
https://www.nimh.nih.gov/health/publications/warning-signs-of-suicide (public domain)"""

RISK_ALONE: Phrases = {
    ENGLISH: ("help me", "help me now", "i need help", "i need help now", "need help", "sos"),
    SPANISH: ("ayudame", "ayudeme", "ayudenme", "necesito ayuda", "auxilio", "socorro"),
}
"""Whole replies. Within a longer one they may ask for another appointment."""

RISK_BEGINNINGS = ("suicid",)
"""Beginnings of words, for endings and slips nobody lists."""

APOSTROPHES = re.compile("['\u2018\u2019\u02bc`\u00b4]")
POLITE = re.compile(r"\b(please|pls|plz|por favor|thanks|thank you|gracias)\b")


@dataclass(frozen=True)
class Asked:
    """What a reply asks for, and the language to answer in: Spanish where any of it is. No kinds:
    no list knows it."""

    kinds: frozenset[str]
    language: str


def read(text: str) -> Asked:
    """What somebody wrote, in whichever language they did."""
    said = plain(text)
    alone = " ".join(POLITE.sub(" ", said).split())
    found = {
        (kind, language)
        for language in (ENGLISH, SPANISH)
        for kind, is_asked in (
            (RISK, _frightens(said, alone, language)),
            (STOP, _stops(said, alone, language)),
            (START, alone in START_ALONE[language]),
            (HELP, alone in HELP_ALONE[language]),
            (CANNOT_COME, _within(said, CANNOT_COME_WITHIN[language])),
        )
        if is_asked
    }
    language = max((language for _, language in found), default=ENGLISH)
    return Asked(frozenset(kind for kind, _ in found), language)


def plain(text: str) -> str:
    """Small letters and digits in single spaces: no accents, no apostrophes, nothing unseen."""
    apart = unicodedata.normalize("NFKD", APOSTROPHES.sub("", text))
    letters = "".join(
        one for one in apart if not unicodedata.combining(one) and unicodedata.category(one) != "Cf"
    )
    return " ".join(re.sub(r"[^\w]|_", " ", letters.casefold()).split())


def _stops(said: str, alone: str, language: str) -> bool:
    first = any(said.startswith(f"{word} ") for word in STOP_FIRST[language])
    return first or alone in STOP_ALONE[language] or _within(said, STOP_WITHIN[language])


def _frightens(said: str, alone: str, language: str) -> bool:
    begun = language == ENGLISH and any(w.startswith(RISK_BEGINNINGS) for w in said.split())
    return begun or alone in RISK_ALONE[language] or _within(said, RISK_WITHIN[language])


def _within(said: str, phrases: tuple[str, ...]) -> bool:
    return any(f" {phrase} " in f" {said} " for phrase in phrases)
