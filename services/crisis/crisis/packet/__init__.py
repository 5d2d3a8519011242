"""The packet: what whoever calls emergency services must be able to read out, at once."""
