"""What labels teach: features of sessions and lines, and models that judge by them."""
