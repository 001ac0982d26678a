"""Starter rulebooks: from the columns of a data file and a few answers to a first rulebook."""
