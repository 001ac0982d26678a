"""What the model was used for, by hour, and what that costs."""
