"""The plumbing of every service: events, timers, details, transactions. Blind to the clinic."""
