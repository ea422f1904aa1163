from __future__ import annotations

from app.cli.main import parse
from app.cli.plan import wished
from app.domain.model import ModelOptions
from tests.cli.test_list import STARTER


def test_where_a_model_would_lie(cli):
    result = cli("plan", "smollm2", "--ctx", "2048")
    assert (result.code, result.err) == (0, "")
    first, *rest = result.out.splitlines()
    assert first.startswith("SmolLM2-135M-Instruct: all on the processor; about ")
    assert any("context 2048 tokens, KV cache f16" in line for line in rest)
    assert "96.6 MB weights" in result.out


def test_as_json(cli):
    placement = cli("plan", STARTER, "--json", "--kv-type", "q8_0").json
    assert (placement["model_id"], placement["kv_type"], placement["all_layers"]) == (STARTER, "q8_0", 31)
    assert placement["shares"][0]["device"] == "CPU"


def test_an_unknown_model_or_type_is_said(cli):
    assert "“nope”" in cli("plan", "nope").err
    assert cli("plan", STARTER, "--kv-type", "q9").code == 2


def test_what_is_said_here_goes_before_what_is_saved():
    options = parse(["plan", "m", "--ctx", "9", "--gpu-layers", "-1", "--cpu-experts", "3", "--batch", "64"])
    saved = ModelOptions(context_tokens=4096, threads=2, kv_type="q4_0")
    assert wished(options, saved) == ModelOptions(
        context_tokens=9, threads=2, kv_type="q4_0", gpu_layers=-1, cpu_expert_layers=3, batch_tokens=64
    )
    some = parse(["plan", "m", "--device", "Vulkan0", "--device", "Vulkan1"])
    assert wished(some, saved).devices == ("Vulkan0", "Vulkan1")
