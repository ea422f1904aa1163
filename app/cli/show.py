"""`cove show MODEL`: what is known of one model."""

from __future__ import annotations

from app.cli.list import remark
from app.cli.sizes import readable_bytes, readable_count
from app.cli.verb import DONE, Options, Subparsers, Work, add_verb, find_model
from app.domain.model import Model


def add(verbs: Subparsers) -> None:
    parser = add_verb(verbs, "show", "show what is known of a model", run)
    parser.add_argument("model", metavar="MODEL")


def run(options: Options, work: Work) -> int:
    with work.client() as client:
        model = find_model(client, options.model)
    if options.json:
        work.console.json(model)
    else:
        for name, fact in _facts(model):
            if fact:
                work.console.line(f"{name:<14}{fact}")
    return DONE


def _facts(model: Model) -> list[tuple[str, str]]:
    source = model.source
    return [
        ("model", model.id),
        ("name", model.name),
        ("architecture", model.architecture),
        ("parameters", readable_count(model.parameters)),
        ("quant", model.quant),
        ("size", readable_bytes(model.size_bytes)),
        ("layers", str(model.layers or "")),
        ("context", f"{model.context_tokens} tokens" if model.context_tokens else ""),
        ("chat template", "yes" if model.has_template else "no"),
        ("from", f"{source.repo} ({source.revision or 'main'})" if source else ""),
        ("sha256", model.sha256),
        ("file", model.path),
        ("validated", _validated(model)),
        ("remark", remark(model)),
    ]


def _validated(model: Model) -> str:
    """Which checks the file has passed; the last is only done of what was downloaded."""
    vetted = model.vetted
    passed = (("header", vetted.header), ("chat template", vetted.template), ("weights", vetted.tensors))
    names = [name for name, stamp in passed if stamp]
    return ", ".join(names) or "before its next load"
