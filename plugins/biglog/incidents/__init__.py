"""Findings that belong together, with the likely place of the fault and how bad it is."""
