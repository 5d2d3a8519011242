"""The safety plan: what a participant wrote with a clinician for the hours that are hard."""
