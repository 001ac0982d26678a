"""From records to outcomes: rules, what is left for the model, its answers, the accounts."""
