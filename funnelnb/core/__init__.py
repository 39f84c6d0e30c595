"""Level 0: errors, parameter checks, dates and the display hook. Imports nothing else of funnelnb."""
