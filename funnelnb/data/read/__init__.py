"""Bytes, sheets, frames and databases to raw tables: limits, dialects, headers, one guard around every library."""
