"""Event logs: reading them, matching steps, walking attempts and counting them. No statistics."""
