"""Which tables, columns, dates and settings may there be? Declarations that every other part of ``data`` reads."""
