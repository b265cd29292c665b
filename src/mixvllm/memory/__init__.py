"""Memory arithmetic on integers: what a model's cache takes, as vLLM itself counts it."""
