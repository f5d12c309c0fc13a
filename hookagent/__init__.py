"""The webhook agent that starts on a laptop."""
