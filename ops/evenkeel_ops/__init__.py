"""What an operator runs: the command line, private nodes, checks of the machine."""
