"""What mutants of model files are made of: keys that llama.cpp looks for, and telling values."""

from __future__ import annotations

NUMBERS = (0, 1, 2, 3, 5, 7, 16, 33, 64, 127, 128, 255, 256, 513, 1024, 1025, 2**16, 2**20, 2**31 - 1)
TOKENIZERS = ("llama", "bert", "t5", "rwkv", "gpt2", "gemma4", "plamo2", "no_vocab", "none", "hybriddna", "?")
PRES = ("default", "llama-bpe", "tekken", "gpt-4o", "chatglm-bpe", "kimi-k2", "deepseek-v3", "gemma4", "?")
# What no tiny model has of itself, but llama.cpp looks for.
_MORE_NUMBERS = """
    attention.sliding_window attention.sliding_window_pattern attention.key_length attention.value_length
    attention.key_length_swa attention.value_length_swa rope.dimension_count_swa nextn_predict_layers
    attention.key_length_mla attention.value_length_mla attention.kv_lora_rank attention.q_lora_rank
    expert_count expert_used_count expert_group_count expert_group_used_count expert_shared_count
    expert_gating_func expert_feed_forward_length expert_shared_feed_forward_length moe_every_n_layers
    leading_dense_block_count pooling_type embedding_length_out vocab_size features_length
    rope.scaling.original_context_length full_attention_interval attention.shared_kv_layers
    token_shift_count attention.indexer.head_count attention.indexer.key_length attention.indexer.top_k
    ssm.conv_kernel ssm.inner_size ssm.state_size ssm.time_step_rank ssm.group_count wkv.head_size
    shortconv.l_cache n_deepstack_layers attention.group_norm_groups num_loops interleave_moe_layer_step
    conv_kernel_size embedding_length_per_layer_input attention.temperature_length
    attention.output_group_count
"""
MORE_NUMBERS = tuple(_MORE_NUMBERS.split())
_MORE_FLOATS = """
    rope.freq_base rope.freq_base_swa rope.scaling.factor rope.scale_linear rope.scaling.attn_factor
    rope.scaling.yarn_log_multiplier attention.scale attention.clamp_kqv attention.max_alibi_bias
    logit_scale attn_logit_softcapping final_logit_softcapping expert_weights_scale residual_scale
    embedding_scale attention.layer_norm_epsilon attention.group_norm_epsilon attention.temperature_scale
"""
MORE_FLOATS = tuple(_MORE_FLOATS.split())
FLOATS = (0.0, -1.0, 1e-30, 1e30, float("nan"), float("inf"), 0.5)
MORE_FLAGS = ("attention.causal", "use_parallel_residual", "expert_weights_norm", "ssm.dt_b_c_rms")
SPECIAL = tuple(
    f"tokenizer.ggml.{name}_token_id"
    for name in ("bos", "eos", "eot", "eom", "unknown", "seperator", "padding", "mask", "fim_pre", "fim_sep")
)
_ARCHITECTURES = """
    llama llama4 deci falcon grok gpt2 gptneox mpt baichuan starcoder refact bert nomic-bert jina-bert-v2
    bloom stablelm qwen qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3next qwen35 qwen35moe phi2 phi3 plamo
    plamo2 orion internlm2 minicpm minicpm3 gemma gemma2 gemma3 gemma3n gemma4 gemma-embedding mamba mamba2
    jamba falcon-h1 xverse command-r cohere2 dbrx olmo olmo2 olmoe openelm arctic deepseek deepseek2
    deepseek32 chatglm glm4 glm4moe glm-dsa bitnet t5 t5encoder jais nemotron nemotron_h exaone exaone4
    rwkv6 rwkv7 arwkv7 granite granitemoe granitehybrid chameleon wavtokenizer-dec plm bailingmoe2 dots1
    arcee ernie4_5 hunyuan-moe smollm3 gpt-oss lfm2 lfm2moe dream smallthinker llada seed_oss apertus
    minimax-m2 mistral3 mimo2 kimi-linear clip
"""
ARCHITECTURES = tuple(_ARCHITECTURES.split())
TEMPLATES = (b"{% for %}", b"{{", b"{% if x %}", b"", b"{{ messages }}" * 90_000, b"\xff\xfe", b"{{ 1/0 }}")
