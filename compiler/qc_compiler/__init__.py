"""The compiler: a `Rulebook` in, a `Program` (pre-filter, questions, prompts) out."""
