"""`cove plan MODEL`: where a model would lie on this machine and how fast it would be, before it is
loaded."""

from __future__ import annotations

import msgspec

from app.cli.numbers import whole
from app.cli.plantexts import lines
from app.cli.verb import DONE, READ_LIMIT_S, Options, Subparsers, Work, add_verb, ask, find_model
from app.client.planning import PlanModel, PlanReply
from app.domain.model import ModelOptions

KV_TYPES = ("f32", "f16", "bf16", "q8_0", "q5_1", "q4_0")


def add(verbs: Subparsers) -> None:
    parser = add_verb(verbs, "plan", "show where a model would lie and how fast it would be", run)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--ctx", type=whole(1), metavar="N", help="context, in tokens")
    parser.add_argument("--gpu-layers", type=whole(-1), metavar="N", help="layers on the GPU; -1 is all")
    parser.add_argument(
        "--cpu-experts", type=whole(0), metavar="N", help="layers whose experts stay on the CPU"
    )
    parser.add_argument("--kv-type", choices=KV_TYPES, help="type of the KV cache")
    parser.add_argument("--batch", type=whole(1), metavar="N", help="tokens of a prompt taken in one step")
    parser.add_argument(
        "--device", action="append", metavar="NAME", help="use this GPU only; may be repeated"
    )


def run(options: Options, work: Work) -> int:
    with work.client() as client:
        model = find_model(client, options.model)
        command = PlanModel(model_id=model.id, options=wished(options, model.options))
        placement = ask(client, command, PlanReply, READ_LIMIT_S).placement
    if options.json:
        work.console.json(placement)
    else:
        for line in lines(placement, model.name):
            work.console.line(line)
    return DONE


def wished(options: Options, saved: ModelOptions) -> ModelOptions:
    """Returns what is saved with the model, with what this command line says instead."""
    given = {
        "context_tokens": options.ctx,
        "gpu_layers": options.gpu_layers,
        "cpu_expert_layers": options.cpu_experts,
        "kv_type": options.kv_type,
        "batch_tokens": options.batch,
        "devices": tuple(options.device) if options.device else None,
    }
    return msgspec.structs.replace(
        saved, **{name: value for name, value in given.items() if value is not None}
    )
