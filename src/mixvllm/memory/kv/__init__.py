"""vLLM's key-value cache planning: one file for each kind of cache, then pages, groups, plan."""
