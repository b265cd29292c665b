"""A program that starts an engine, tells its number, and lives until its stdin is closed."""

import subprocess
import sys

ENGINE = "VLLM::EngineCore"

if __name__ == "__main__":
    words = [ENGINE, "-c", "import time; print('up', flush=True); time.sleep(600)"]
    engine = subprocess.Popen(words, executable=sys.executable, stdout=subprocess.PIPE)
    # Until then its command line may still be empty.
    assert engine.stdout is not None
    engine.stdout.readline()
    sys.stdout.write(f"{engine.pid}\n")
    sys.stdout.flush()
    sys.stdin.read()
