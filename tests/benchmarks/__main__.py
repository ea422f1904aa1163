"""`make bench`: measures and prints a table. `ARGS="--save"` also appends it to RESULTS.md, with the machine
and the date; names of measures run only those."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from tests.benchmarks.engine import Rows
from tests.benchmarks.measures import MEASURES
from tests.benchmarks.table import append, heading, markdown
from tests.e2e.processes import Cove


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("measures", nargs="*", help=", ".join(MEASURES))
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    unknown = set(options.measures) - set(MEASURES)
    if unknown:
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    title = heading()
    print(title)
    rows: Rows = []
    with tempfile.TemporaryDirectory(prefix="cove-bench-") as folder:
        for name in options.measures or MEASURES:
            found = measured(name, Path(folder).resolve() / name)
            print(markdown(found), flush=True)
            rows += found
    text = title + markdown(rows)
    if options.save:
        append(text)


def measured(name: str, folder: Path) -> Rows:
    """Runs one measure on a home of its own."""
    folder.mkdir()
    os.environ["COVE_HOME"] = str(folder / "cove")
    cove = Cove(folder / "cove", "llama")
    os.environ.update(cove.environment)
    try:
        return MEASURES[name](cove)
    finally:
        cove.close()


if __name__ == "__main__":
    main()
