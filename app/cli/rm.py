"""`cove rm MODEL`: deletes a model that Cove downloaded, or forgets one that it only knows by path."""

from __future__ import annotations

from app.cli.verb import DONE, READ_LIMIT_S, Options, Subparsers, Work, add_verb, find_model, spelled_out
from app.client.protocol import RemoveModel
from app.domain.model import Model
from app.domain.notice import NoticeCode
from app.errors import KnownError


def add(verbs: Subparsers) -> None:
    parser = add_verb(verbs, "rm", "delete a downloaded model, or forget one known by its path", run)
    parser.add_argument("model", metavar="MODEL", help="its whole id, owner/repo:quant, or path")


def run(options: Options, work: Work) -> int:
    with work.client() as client:
        model = find_model(client, options.model)
        if not is_named_in_full(model, options.model):
            raise KnownError.of(NoticeCode.MODEL_NOT_FOUND, model=options.model, candidates=model.id)
        client.call(RemoveModel(model_id=model.id), READ_LIMIT_S)
    if options.json:
        work.console.json({"removed": model.id})
    else:
        work.console.line(f"Removed {model.id}.")
    return DONE


def is_named_in_full(model: Model, reference: str) -> bool:
    """Says whether nothing was guessed: the start of an id is enough to run a model, not to delete it."""
    names = {model.id, model.path.lower()}
    if model.source is not None:
        names.add(f"{model.source.repo}:{model.quant}".lower())
    return spelled_out(reference).lower() in names
