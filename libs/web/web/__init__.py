"""The web library: routes, problems, callers, and the front that answers on a port."""
