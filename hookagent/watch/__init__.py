"""What should be noticed: expectations, levels, rates. Pure; every moment is an argument."""
