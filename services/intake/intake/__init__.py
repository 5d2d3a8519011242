"""Intake: from a referral to admission, and from admission to discharge."""
