"""The watchdog: a process that does nothing but look, and calls out when nobody in danger is
being called for. It shares nothing with what it watches but the database, which it only reads."""
