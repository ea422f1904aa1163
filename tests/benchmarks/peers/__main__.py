"""A contender's process: a line of JSON in is a line of JSON out, after one that says the model is loaded."""

from __future__ import annotations

import importlib
import json
import os
import sys


def main() -> None:
    # Native code prints to the standard output: replies have a descriptor of their own.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    name, job = sys.argv[1], json.loads(sys.argv[2])
    contender = importlib.import_module(f"tests.benchmarks.peers.{MODULES[name]}").Contender(**job)
    print("{}", file=replies, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        reply = getattr(contender, command.pop("what"))(**command)
        print(json.dumps(reply), file=replies, flush=True)
    os._exit(0)  # the order in which Python takes native libraries apart is not what is measured


MODULES = {"bare": "bare", "llama_cpp": "highlevel", "xllamacpp": "server"}

if __name__ == "__main__":
    main()
