"""`cove list`: the models that are here."""

from __future__ import annotations

from app.cli.sizes import readable_bytes, readable_count
from app.cli.verb import DONE, Options, Subparsers, Work, add_verb, snapshot
from app.domain.model import Model

_HEAD = ("MODEL", "SIZE", "PARAMETERS", "CONTEXT", "")


def add(verbs: Subparsers) -> None:
    add_verb(verbs, "list", "list the models that are here", run)


def run(options: Options, work: Work) -> int:
    with work.client() as client:
        models = snapshot(client).models
    if options.json:
        work.console.json(models)
    else:
        work.console.table(_HEAD, (_row(model) for model in models))
    return DONE


def _row(model: Model) -> tuple[str, ...]:
    context = str(model.context_tokens) if model.context_tokens else ""
    size = readable_bytes(model.size_bytes)
    return (model.id, size, readable_count(model.parameters), context, remark(model))


def remark(model: Model) -> str:
    """What a person should know before choosing it."""
    if model.is_missing:
        return "its file is missing"
    if model.is_starter:
        return "small, English, only to try the app"
    return "" if model.has_template else "base model, no chat template"
