"""A host to be killed: opens an engine of the contract suite, brings it into a phase and prints its pid.

`python -m tests.fakes.engine_host CASE HOME PHASE`
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from tests.contract.engine_cases import CASES, is_in_prefill, is_loading


def main(name: str, home: str, phase: str) -> None:
    case = CASES[name]
    is_load = phase.endswith("-load")
    opened = case.open(Path(home), phase if is_load else "")
    if is_load:
        opened.ask(case.question())
        opened.wait_for_status(is_loading, "a load in progress")
    elif phase == "prefill":
        opened.ask(case.long_prompt()).wait(is_in_prefill, "prefill", 60)
    else:
        opened.ask(case.endless()).wait_for_text(60)
    print(opened.engine.status.pid, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
