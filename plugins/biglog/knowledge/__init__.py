"""What people know about faults: entries read, searched and drafted."""
