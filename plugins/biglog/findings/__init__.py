"""What is new, odd or missing in a night, each with its evidence."""
