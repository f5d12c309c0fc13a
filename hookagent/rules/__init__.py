"""The rule language: reading it, matching it, explaining it."""
