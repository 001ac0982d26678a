"""What rule authors work with: tests, comparison with labels and with another version."""
