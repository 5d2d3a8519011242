"""Paging: how the calls of a ladder reach people, and how people answer them."""
