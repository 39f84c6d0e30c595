"""What several questions need: counts, results, horizons, curves of groups, open deals, periods."""
