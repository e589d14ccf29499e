"""What a model is: its kinds of input and output, its signature, and how both become schemas and decoders."""
