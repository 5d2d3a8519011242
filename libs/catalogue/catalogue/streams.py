"""The streams of the house, and which service hears which.

A service subscribes to whole streams, so that it can tell a gap from a silence.
"""

from catalogue.event import URGENT, Stream

EPISODE = Stream("episode")
RISK = Stream("risk", lane=URGENT)
CLINICIAN = Stream("clinician")
COHORT = Stream("cohort")
SEAT = Stream("seat")
OCCURRENCE = Stream("occurrence")
SESSION = Stream("session")
ATTENDANCE = Stream("attendance")
CHECKIN = Stream("checkin")
HOMEWORK = Stream("homework")
MESSAGE = Stream("message")
REPLY = Stream("reply")
CASE = Stream("case", lane=URGENT)

ANNOUNCES: dict[str, tuple[Stream, ...]] = {
    "intake": (EPISODE, RISK),
    "scheduling": (CLINICIAN, COHORT, SEAT, OCCURRENCE),
    "sessions": (SESSION, ATTENDANCE, CHECKIN, HOMEWORK, RISK),
    "notifications": (MESSAGE, REPLY, RISK),
    "crisis": (CASE,),
}

HEARS: dict[str, tuple[Stream, ...]] = {
    "intake": (CASE, ATTENDANCE),
    "scheduling": (EPISODE, ATTENDANCE, CASE, REPLY),
    "sessions": (OCCURRENCE, SEAT, EPISODE, CLINICIAN, CASE),
    "notifications": (EPISODE, SEAT, OCCURRENCE, SESSION, ATTENDANCE, HOMEWORK, CLINICIAN),
    "crisis": (RISK, EPISODE, CLINICIAN, ATTENDANCE, SESSION),
}
