"""What people read in the morning: the night as one page and one mail."""
