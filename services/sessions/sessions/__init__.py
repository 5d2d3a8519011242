"""The programme day: who is there, how they are, what is credited, what they take home."""
