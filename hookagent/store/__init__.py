"""Where events and runs are kept."""
