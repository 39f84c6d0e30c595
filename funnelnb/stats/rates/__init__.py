"""Shares of n: intervals, comparisons, shrinkage, calibration."""
