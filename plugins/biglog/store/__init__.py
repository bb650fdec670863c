"""What is kept in PostgreSQL, and how it is written, read and found again."""
