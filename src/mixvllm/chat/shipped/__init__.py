"""Small MCP servers that come with mixvllm, to try tools with: time, calculator, status."""
