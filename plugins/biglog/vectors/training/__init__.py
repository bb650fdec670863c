"""How the shipped encoder is made: corpus, tokenizer, pre-training, contrast, figures."""
