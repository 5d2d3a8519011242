"""What a reply is answered with, in the answer to the callback that brought it: it needs no queue,
no consent and no quiet hour, and goes to the very telephone that somebody has in their hand.

Each fits one text of 160 characters of the telephone's own alphabet (GSM 03.38), which has no
Spanish accents but `ñ`, `é` and `ü`: the words avoid the others.
"""

from catalogue.numbers import CRISIS_NUMBERS

NUMBERS, NUMBERS_ALONE, STOPPED, STARTED, HELP = (
    "numbers", "numbers_alone", "stopped", "started", "help",
)  # fmt: skip
NOT_COMING, NO_DAY = "not_coming", "no_day"

CALL, TEXT, EMERGENCY = (CRISIS_NUMBERS[name] for name in ("call", "text", "emergency"))

ANSWERS = {
    NUMBERS: {
        "en": (
            f"We are telling staff now that you wrote. Do not wait for them: call {CALL} or text"
            f" {TEXT}, or call {EMERGENCY} if you are in danger."
        ),
        "es": (
            f"Avisamos ahora al personal. No espere: llame al {CALL} o mande un texto al {TEXT},"
            f" o llame al {EMERGENCY} si corre peligro."
        ),
    },
    NUMBERS_ALONE: {
        "en": (
            f"Nobody reads texts to this number. Call {CALL} or text {TEXT}, or call {EMERGENCY}"
            " if you are in danger."
        ),
        "es": (
            f"Nadie lee estos textos. Llame al {CALL} o mande un texto al {TEXT}, o"
            f" llame al {EMERGENCY} si corre peligro."
        ),
    },
    STOPPED: {
        "en": "You will get no more texts from us. To get them again, reply START.",
        "es": "Ya no le mandaremos textos. Si los quiere de nuevo, responda START.",
    },
    STARTED: {
        "en": "You will get texts again. To end them, reply STOP.",
        "es": "Le mandaremos textos de nuevo. Si no los quiere, responda STOP.",
    },
    HELP: {
        "en": (
            "These are the reminders that you agreed to. To end them, reply STOP. Nobody reads"
            f" texts to this number. If you are in danger, call {EMERGENCY}."
        ),
        "es": (
            "Estos son los recordatorios que usted acepta. Si no los quiere, responda STOP. Nadie"
            f" lee estos textos. Si corre peligro, llame al {EMERGENCY}."
        ),
    },
    NOT_COMING: {
        "en": "Thank you for telling us. We do not expect you then.",
        "es": "Gracias por avisar. No le esperamos entonces.",
    },
    NO_DAY: {
        "en": "Thank you for telling us. You have nothing planned with us in the next day.",
        "es": "Gracias por avisar. Por ahora no tiene nada planeado con nosotros.",
    },
}


def text(code: str, language: str) -> str:
    """An answer in a language."""
    return ANSWERS[code][language]
