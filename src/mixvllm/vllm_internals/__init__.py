"""All that mixvllm knows of vLLM's inside; the only package that imports vllm."""
