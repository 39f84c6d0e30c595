"""The only bridge to statistics: counts, in memory or where the rows lie."""
