"""`cove stop [MODEL]`: unloads a model, or all. Starts nothing."""

from __future__ import annotations

from app.cli.ps import processes
from app.cli.verb import DONE, Options, Subparsers, Work, add_verb, find_model
from app.client.protocol import UnloadModel


def add(verbs: Subparsers) -> None:
    parser = add_verb(verbs, "stop", "unload a model, or all", run)
    parser.add_argument("model", metavar="MODEL", nargs="?")
    parser.set_defaults(late="model")


def run(options: Options, work: Work) -> int:
    found = processes(work)
    stopped: list[str] = []
    if found is not None:
        with work.client(may_start=False) as client:
            model_id = find_model(client, options.model).id if options.model else None
            loaded = [engine.model_id for engine in found.engines]
            stopped = [name for name in loaded if model_id in (None, name)]
            client.call(UnloadModel(model_id=model_id))
    if options.json:
        work.console.json({"stopped": stopped})
    else:
        work.console.line(f"Unloaded {', '.join(stopped)}." if stopped else "Nothing was loaded.")
    return DONE
