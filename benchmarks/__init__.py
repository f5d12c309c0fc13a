"""Measurements, side by side on one machine, as ratios of medians."""
