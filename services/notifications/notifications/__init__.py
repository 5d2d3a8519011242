"""Messages to people: whether, when and in which words they are told something."""
