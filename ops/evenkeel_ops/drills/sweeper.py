"""A program: crisis' own sweeper process, exactly as it is deployed."""

from crisis import sweeper


def run() -> None:
    sweeper.main()
