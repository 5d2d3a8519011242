"""The words of messages and pages in every language that people may choose.

Translations are gettext's `.po` files, read as they are: nothing is compiled. English is the key of
each entry, and what a language lacks is said in English.
"""

import ast
import re
from functools import cache
from pathlib import Path

ENGLISH, SPANISH = "en", "es"
LANGUAGES = (ENGLISH, SPANISH)

_QUOTED = r'((?:"(?:[^"\\\n]|\\.)*"\s*)+)'
_ENTRY = re.compile(rf"^msgid {_QUOTED}^msgstr {_QUOTED}", re.MULTILINE)


def said(text: str, language: str) -> str:
    """An English text in a language."""
    return entries(language).get(text) or text


@cache
def entries(language: str) -> dict[str, str]:
    """Everything that has been translated into a language, by its English."""
    path = Path(__file__).parent / "locale" / language / "LC_MESSAGES" / "notifications.po"
    return read(path.read_text()) if language in LANGUAGES and path.is_file() else {}


def read(po: str) -> dict[str, str]:
    """The entries of a `.po` file, its header left out."""
    pairs = ((_joined(key), _joined(text)) for key, text in _ENTRY.findall(po))
    return {key: text for key, text in pairs if key}


def _joined(quoted: str) -> str:
    """Several quoted lines as one text; they are quoted as Python quotes them."""
    return ast.literal_eval(f"({quoted})")
