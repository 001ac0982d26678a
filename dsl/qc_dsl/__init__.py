"""The rule language: text in, a `Rulebook` of located syntax trees out."""
