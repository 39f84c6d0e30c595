"""Dated snapshots on disk: immutable files, and one manifest that says which of them make up which day."""
