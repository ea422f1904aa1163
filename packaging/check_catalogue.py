"""Asks the Hub (or HF_ENDPOINT) whether resources/catalogue.toml is still true: `check_catalogue.py [FILE]`.

Says what differs, one line each, and ends with 1 if anything does. Changes nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.domain.catalogue import CatalogueModel
from app.errors import KnownError
from app.models.catalogue import FILE, read
from app.models.hub import ModelHub
from app.network.door import Door
from app.network.environment import VARIABLES
from app.network.ledger import Ledger

# Sizes in the catalogue are rounded to a tenth of a GiB by their source.
ROUNDING_BYTES = 2**30 // 10


def differences(model: CatalogueModel, hub: ModelHub, environment: Mapping[str, str]) -> Iterator[str]:
    """Yields what the Hub says otherwise of a model."""
    with hub.session(model.repo, "main", environment, "catalogue") as repo:
        try:
            listing = repo.listing()
        except KnownError as error:
            yield f"{model.repo}: {error}"
            return
    if listing.is_gated != model.is_gated:
        yield f"{model.repo}: gated is {str(listing.is_gated).lower()}"
    there = {group.quant: group.size_bytes for group in listing.groups}
    for quant, size in model.sizes.items():
        if quant not in there:
            yield f"{model.repo}: there is no {quant} (but {', '.join(there) or 'nothing'})"
        elif abs(there[quant] - size) > max(ROUNDING_BYTES, size // 100):
            yield f"{model.repo}: {quant} = {there[quant]:_}"


def main(arguments: list[str]) -> int:
    environment = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    door = Door(Ledger(), lambda: False)
    hub = ModelHub(door)
    catalogue = read(Path(arguments[0]) if arguments else FILE)
    count = 0
    try:
        for model in catalogue.models:
            for line in differences(model, hub, environment):
                print(line)
                count += 1
    finally:
        door.close()
    print(f"{len(catalogue.models)} models of {catalogue.checked}, {count} differences")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
