"""The request parameters, one module per family, and the registry that lists them all."""
