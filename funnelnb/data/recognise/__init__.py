"""Which column, table and word of a source is which of the contract?"""
