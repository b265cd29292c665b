"""The names of the package that mixvllm grew from, for programs that import them."""
