"""Whoever may be in danger reaches a human: cases, the rota, the ladder and its pages."""
