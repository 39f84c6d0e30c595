"""What happened to each deal? Stays in stages, coded and sorted, one row per stay."""
