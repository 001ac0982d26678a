"""This machine: what it is, what fits on it, what is wrong with it, how fast it is."""
