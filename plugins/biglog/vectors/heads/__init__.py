"""Small networks over the encoder's vectors that learn from labels; weights as plain arrays."""
