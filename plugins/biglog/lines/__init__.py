"""Raw text to typed lines: formats as data, any bytes as input, secrets taken out."""
