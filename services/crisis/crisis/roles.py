"""Who may do what about cases, by role."""

RESPONDERS = ("clinician", "supervisor", "crisis_lead")
"""Who may have a case."""

STAFF = (*RESPONDERS, "scheduler", "clinic_admin")
"""Who may open one."""

READERS = (*RESPONDERS, "auditor")
"""Who may look at one."""
