"""Level 1: the tables and their contract, loading and cleaning, the book, the ledger, the counts.

Public here: ``fn.data.Scan`` counts rows where they lie, ``fn.data.Calendar`` says which days count, and
``fn.data.propose`` recognises an export that nobody described, ``fn.data.seen_as`` shows the same deals through
another stage model, ``fn.data.cleaning`` lists what stands there twice, and ``fn.data.merge_accounts`` makes one table
of customers out of several sources.
"""

from funnelnb.core.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
