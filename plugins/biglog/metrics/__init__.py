"""Metric series: what each point was expected to be, and how odd it is."""
