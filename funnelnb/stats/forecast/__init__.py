"""What will come in, how sure is that, and how good were such forecasts? Distributions of coming totals, and scores."""
