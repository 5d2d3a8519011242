"""The published language: every event a service may announce, declared once."""
