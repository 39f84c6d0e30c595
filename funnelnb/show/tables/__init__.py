"""A table as finished text, in five forms."""
