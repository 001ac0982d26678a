"""The runtime: a `Program` and records in, one accounted-for `Outcome` a record out."""
