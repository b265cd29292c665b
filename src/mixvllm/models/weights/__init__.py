"""How much a model's weights are: from the files' headers, an index, or a formula."""
