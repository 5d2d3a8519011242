"""The steps of a safety plan, in wording of this project's own.

Source: domain page 4.4 of this project, after the generic steps of the practice; a written plan
with contact within 72 hours went with fewer suicidal behaviours
(https://pmc.ncbi.nlm.nih.gov/articles/PMC6142908). The words are ours, under Apache-2.0. The
Stanley-Brown form is not used: in an electronic record it needs its authors' written permission.

CLINICAL: drafts that a licensed clinician has yet to sign.
"""

from typing import NamedTuple

LONGEST_STEP = 1000


class Step(NamedTuple):
    """One step: its code, what it is called, and what the participant is asked."""

    code: str
    title: str
    asks: str


STEPS = (
    Step(
        "signs", "How I notice that it is getting hard",
        "Thoughts, moods, places or things in your body that came before a crisis.",
    ),
    Step(
        "alone", "What I can do by myself",
        "Things that carried you through an hour before, and that you can do anywhere.",
    ),
    Step(
        "distraction", "People and places that take my mind off it",
        "You need not tell them anything. Being there is enough.",
    ),
    Step(
        "people", "People I can ask for help",
        "Who may know how you feel, and how you reach them.",
    ),
    Step(
        "professionals", "Professionals I can call",
        "Your clinician, your clinic, your doctor, with their numbers. 988 is always here.",
    ),
    Step(
        "space", "How I make my space safer",
        "What is put away or given to somebody for a while, and who helps with it.",
    ),
    Step(
        "reasons", "What I live for",
        "People, animals, plans, small things. One is enough.",
    ),
)  # fmt: skip

CODES = tuple(step.code for step in STEPS)
