"""The report's page: how its sections are put together, its colours, and its player."""
