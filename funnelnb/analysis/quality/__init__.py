"""Can the numbers be trusted? What the faults of the data do to them."""
