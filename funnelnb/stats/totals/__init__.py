"""How much comes in? Sums of amounts that may or may not come."""
