"""What identifies a person, taken out of texts before they leave the machine and put back."""
