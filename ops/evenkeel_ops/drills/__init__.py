"""Drills: real processes are killed under load, and what they leave behind is judged."""
