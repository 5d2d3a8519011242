"""Whom to call in danger: the same words in every service, and never waiting for any of them."""

CRISIS_NUMBERS = {"call": "988", "text": "988", "emergency": "911"}
"""Numbers of the United States. 988 Suicide & Crisis Lifeline, by call or text:
https://988lifeline.org. 911 reaches help only where the caller is:
https://telehealth.hhs.gov/providers/best-practice-guides/telehealth-for-behavioral-health/
"""
