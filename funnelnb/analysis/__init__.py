"""Level 3: one module per business question. Counts meet statistics here and become frozen results.

Nothing is imported here: ``funnelnb`` loads the module of a question when it is asked.
"""
