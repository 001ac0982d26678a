"""When a run may work: hours of the day, load of the machine, and people who wait."""
