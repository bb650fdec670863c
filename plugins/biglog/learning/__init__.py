"""Learning from labelled lines or sessions, and judging others by what was learnt."""
