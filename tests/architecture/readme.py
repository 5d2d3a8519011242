"""The commands of the README's first screen, for the tests and for whoever runs them as written.

    python tests/architecture/readme.py

prints them, one a line. A block of commands is fenced as `sh` and stands under `<!-- run -->`.
"""

import re
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"<!-- run -->\n```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
END_OF_FIRST_SCREEN = "## What you are looking at"


def commands(text: str) -> list[str]:
    """Every command of the first screen, in order."""
    first_screen, found, _ = text.partition(END_OF_FIRST_SCREEN)
    if not found:
        raise ValueError(f"the README has no {END_OF_FIRST_SCREEN!r}")
    lines = [line for block in BLOCK.findall(first_screen) for line in block.splitlines()]
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


if __name__ == "__main__":
    sys.stdout.writelines(f"{command}\n" for command in commands(README.read_text()))
