"""One module per kind of result: its table specifications and what it says in words."""
