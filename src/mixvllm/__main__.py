"""The `mixvllm` command, also as `python -m mixvllm`."""

import os
import signal
import sys

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> None:
    """Run the command line; `serve` ends with 0 when it is asked to from its first moment."""
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    if command == "serve":
        # Until it has handlers of its own: nothing has begun yet that would need an orderly end.
        for number in ENDING_SIGNALS:
            signal.signal(number, lambda *_: os._exit(0))
    from mixvllm.cli.app import main as run

    run()


def chat() -> None:
    """Run `mixvllm chat` under its own name, `mixvllm-chat`."""
    from mixvllm.cli.app import main as run

    run(["chat", *sys.argv[1:]])


if __name__ == "__main__":
    main()
