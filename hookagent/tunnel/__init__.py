"""Ways in from the internet, one file per tunnel."""
