"""Words and numbers in two languages."""
