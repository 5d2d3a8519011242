"""What a stranger who reads over the recipient's shoulder must not learn (F32).

Every word that leaves by a channel others can see, sender, subject and the title of a calendar
entry included, is held against these terms, in both languages whatever the text is in. A term
matches in any case, with or without accents, and whatever ending it takes.
"""

import re
import unicodedata

BANNED_TERMS = (
    "12-step", "988", "abstin", "addict", "adhd", "admission", "admit", "alcohol", "anorex",
    "anxi", "asq", "assess", "attempt", "autis", "behavio", "benzo", "billing", "bipolar",
    "borderline", "bulimi", "c-ssrs", "care plan", "care team", "case", "cbt", "check-in",
    "clinic", "cohort", "columbia", "coping", "copay", "counsel", "crisis", "cssrs", "dbt",
    "depress", "detox", "diagnos", "discharg", "disease", "disorder", "doctor", "dose", "dr.",
    "drug", "dual", "eating", "emdr", "emergency", "emotion", "episode", "facilitator",
    "feeling", "gad-7", "gad7", "group", "harm", "health", "homework", "hospital", "illness",
    "inpatient", "insurance", "intake", "intensive", "iop", "level of care", "manic", "mania",
    "medicaid", "medical", "medicare", "medicat", "mental", "mindful", "mood", "naltrex",
    "nurse", "ocd", "opioid", "outpatient", "overdos", "panic", "patient", "phobi", "php",
    "phq", "prescri", "program", "provider", "psych", "ptsd", "rehab", "recover", "referral",
    "relaps", "risk", "safety", "schizo", "score", "screen", "self-", "session", "skills",
    "sober", "substance", "suboxone", "suicid", "support", "symptom", "telehealth", "therap",
    "track", "trauma", "treat", "urge", "wellbeing", "wellness", "withdrawal",
)  # fmt: skip
"""Beginnings of English words."""

BANNED_IN_SPANISH = (
    "adicc", "adict", "ambulatori", "ansied", "ansios", "apoyo", "autoles", "consejer", "cuidado",
    "deprim", "desintox", "dosis", "dra.", "droga", "emergencia", "emocion", "enferm", "esquizo",
    "estado de animo", "estres", "facilitador", "farmac", "fobia", "fobic", "grupal", "grupo",
    "habilidad", "intensivo", "internamiento", "medica", "medici", "medico", "obses", "opiace",
    "pacient", "pastilla", "psico", "recaer", "recaid", "receta", "recupera", "riesgo", "salud",
    "sentimiento", "sesion", "sicolog", "sintoma", "sobri", "soporte", "sustancia", "tarea",
    "tdah", "tept", "trastorn", "tratam",
)  # fmt: skip
"""Beginnings of Spanish words, without accents. This project's list (to confirm)."""

BANNED_ABBREVIATIONS = ("aa", "tca", "tcc", "tlp", "toc")
"""Too short for a beginning: `TOC` is a diagnosis, `tocar` is to touch."""

BANNED_ANYWHERE = ("depresi", "depress", "psiqui", "psych", "suicid", "terap", "therap")
"""What gives it away wherever it stands: teletherapy, antidepresivos, neuropsychology."""

_BANNED = re.compile(
    r"(?<!\w)(?:{beginnings})|(?<!\w)(?:{words})(?!\w)|(?:{anywhere})".format(
        beginnings="|".join(map(re.escape, (*BANNED_TERMS, *BANNED_IN_SPANISH))),
        words="|".join(map(re.escape, BANNED_ABBREVIATIONS)),
        anywhere="|".join(map(re.escape, BANNED_ANYWHERE)),
    ),
    re.IGNORECASE,
)


def said_too_much(text: str) -> list[str]:
    """The banned terms that a text holds, each once, in order."""
    return list(dict.fromkeys(found.lower() for found in _BANNED.findall(_plain(text))))


def _plain(text: str) -> str:
    """Letters as they look: no accents, no letters of compatibility, nothing that is not seen."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(
        one for one in apart if not unicodedata.combining(one) and unicodedata.category(one) != "Cf"
    )
