"""What happened by time t, when some are still open? Curves, tests and chances by age."""
