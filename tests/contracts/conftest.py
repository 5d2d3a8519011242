"""The whole house, as the journeys have it."""

from tests.journeys.conftest import house, mail

__all__ = ["house", "mail"]
