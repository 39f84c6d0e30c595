"""Level 1: the tables and their contract, loading and cleaning, the book, the ledger, the counts."""
