"""E-mail, text messages and calls, by way of whoever carries them."""
