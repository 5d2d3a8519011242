"""Our hop, the plain nameko hop and the raw parts, measured in one run and compared as ratios."""
