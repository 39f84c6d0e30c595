"""Level 1: numbers in, numbers out. NumPy and SciPy only; knows no tables, no deals, no playbooks.

proportion  How sure is a share?                         wilson, jeffreys, effective_n
risk        Who was still under observation when?        risk_table
incidence   How many were won, lost, open by day t?      aalen_johansen
survival    How long does it take?                       kaplan_meier
lifetime    Which distribution do times follow?          observed, intervals, fit, fit_all
goodness    Does a fitted distribution describe them?    bootstrap_test, quantile_points
rank_test   Do groups differ in time or outcome?         log_rank, gray
difference  How far apart are two groups at day t?       incidence_difference
shrink      What is a small group's rate, really?        beta_binomial
compare     Which groups differ, and which only look so? group_vs_rest, homogeneity, newcombe, ...
"""
