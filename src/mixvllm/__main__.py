"""`python -m mixvllm`: the same as the `mixvllm` command."""

from mixvllm.cli.app import main

if __name__ == "__main__":
    main()
