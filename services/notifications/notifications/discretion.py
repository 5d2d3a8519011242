"""What a stranger who reads over the recipient's shoulder must not learn (F32).

Every word that leaves by a channel others can see, sender and subject included, is held against
these terms. A term matches at the beginning of a word, in any case, with or without accents.
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

_BANNED = re.compile(
    r"(?<!\w)(" + "|".join(re.escape(term) for term in BANNED_TERMS) + ")", re.IGNORECASE
)


def said_too_much(text: str) -> list[str]:
    """The banned terms that a text holds, each once, in order."""
    apart = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return list(dict.fromkeys(found.lower() for found in _BANNED.findall(plain)))
