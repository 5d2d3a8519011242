"""What people read on our page when they are asked for consent, by version; none ever changes.

The forms of a clinic are its own: of them the ledger knows the version.

The limits and the words about charges, STOP and HELP are what carriers and the telephone rules
ask of such a text (LEGAL: counsel to agree).
https://www.govinfo.gov/content/pkg/FR-2024-03-05/html/2024-04587.htm
"""

import hashlib

from channels.outgoing import EMAIL, SMS
from notifications.purposes import DAYS, HOMEWORK, Key

CURRENT = "page-2026-11"

WORDINGS: dict[str, dict[Key, str]] = {
    "page-2026-11": {
        (DAYS, SMS): (
            "Text me about my appointments: a reminder, a change, one I missed. Up to 6 texts a"
            " day, at the number I gave. Message and data rates may apply. I can end them at any"
            " time by replying STOP, and get help by replying HELP. My care does not depend on it."
        ),
        (DAYS, EMAIL): (
            "E-mail me about my appointments: a reminder, a change, one I missed. I can end this"
            " here at any time. My care does not depend on it."
        ),
        (HOMEWORK, SMS): (
            "Text me when something I took home is due. One text a day, three a week at most, at"
            " the number I gave. Message and data rates may apply. I can end them at any time by"
            " replying STOP, and get help by replying HELP. My care does not depend on it."
        ),
        (HOMEWORK, EMAIL): (
            "E-mail me when something I took home is due. I can end this here at any time. My care"
            " does not depend on it."
        ),
    },
}


def shown(version: str, key: Key) -> str | None:
    """The words of a version about a purpose and channel; None for a form that is not ours."""
    return WORDINGS.get(version, {}).get(key)


def digest(words: str) -> str:
    """By which it can be shown which words somebody saw."""
    return hashlib.sha256(words.encode()).hexdigest()
