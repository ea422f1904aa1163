"""The least that makes tokens: llama_decode and a sampler in a loop, to compare the whole path with.

Uses nothing of ours. Runs in a process of its own, so that its model's memory does not weigh on what is
measured beside it: `bare_loop(path, prompt, count)` starts one and returns tokens per second.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PREFILL_TOKENS = 64


def bare_loop(model_path: Path, prompt: str | Sequence[int], n_tokens: int, threads: int = 0) -> float:
    """Returns how many tokens a second the loop makes after `prompt`, its evaluation not counted."""
    given = prompt if isinstance(prompt, str) else list(prompt)
    job = {"model": str(model_path), "prompt": given, "tokens": n_tokens, "threads": threads}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.bare_loop", json.dumps(job)],
        cwd=root,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=600,
    )
    return float(json.loads(done.stdout)["tokens_per_second"])


def measure(model_path: str, prompt: str | list[int], n_tokens: int, threads: int) -> float:
    import llama_cpp.llama_cpp as api  # only in the process that measures

    _load_backends(api)
    model_parameters = api.llama_model_default_params()
    none = (ctypes.c_void_p * 1)(None)
    model_parameters.devices = ctypes.cast(none, ctypes.c_void_p)
    model = api.llama_model_load_from_file(os.fsencode(model_path), model_parameters)
    vocabulary = api.llama_model_get_vocab(model)
    tokens = _tokens(api, vocabulary, prompt) if isinstance(prompt, str) else prompt
    parameters = api.llama_context_default_params()
    parameters.n_ctx = len(tokens) + n_tokens + 8
    parameters.n_outputs_max = 1
    parameters.kv_unified, parameters.swa_full = True, False
    parameters.n_threads = parameters.n_threads_batch = threads or os.cpu_count() or 1
    context = api.llama_init_from_model(model, parameters)
    chain = api.llama_sampler_chain_init(api.llama_sampler_chain_default_params())
    api.llama_sampler_chain_add(chain, api.llama_sampler_init_greedy())
    for start in range(0, len(tokens), PREFILL_TOKENS):
        part = tokens[start : start + PREFILL_TOKENS]
        array = (ctypes.c_int32 * len(part))(*part)
        assert api.llama_decode(context, api.llama_batch_get_one(array, len(part))) == 0
    return _timed(api, context, chain, n_tokens)


def _timed(api: object, context: int, chain: int, n_tokens: int) -> float:
    decode, sample = api.llama_decode, api.llama_sampler_sample
    one = (ctypes.c_int32 * 1)()
    batch = api.llama_batch_get_one(one, 1)
    one[0] = sample(chain, context, -1)
    begun = time.perf_counter()
    for _ in range(n_tokens):
        decode(context, batch)
        one[0] = sample(chain, context, -1)
    return n_tokens / (time.perf_counter() - begun)


def _tokens(api: object, vocabulary: int, text: str) -> list[int]:
    data = text.encode()
    room = (ctypes.c_int32 * (len(data) + 8))()
    count = api.llama_tokenize(vocabulary, data, len(data), room, len(room), True, True)
    return list(room[:count])


def _load_backends(api: object) -> None:
    folder = Path(api.__file__).resolve().parent / "lib"
    library = ctypes.CDLL(str(next(p for n in ("libggml.so.0", "libggml.so") if (p := folder / n).exists())))
    library.ggml_backend_reg_count.restype = ctypes.c_size_t
    if library.ggml_backend_reg_count() == 0:
        library.ggml_backend_load_all_from_path.argtypes = [ctypes.c_char_p]
        library.ggml_backend_load_all_from_path(os.fsencode(folder))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("job")
    job = json.loads(parser.parse_args().job)
    speed = measure(job["model"], job["prompt"], job["tokens"], job["threads"])
    print(json.dumps({"tokens_per_second": speed}))


if __name__ == "__main__":
    main()
