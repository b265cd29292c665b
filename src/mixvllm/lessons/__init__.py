"""What vLLM does and why: the documentation's own pages, as `mixvllm explain` shows them."""
