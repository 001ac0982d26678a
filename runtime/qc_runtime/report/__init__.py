"""What a run hands over: outcomes.jsonl, outcomes.xlsx, summary.json, a table on the terminal."""
