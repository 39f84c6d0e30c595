"""Which distribution do times follow? Families, likelihood, fit, goodness of fit."""
