"""Groups of architectures, by what llama.cpp's graph of each asserts or divides by."""

from __future__ import annotations


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Keys and values of a head are equally long.
SAME_LENGTHS = _names(
    """
    afmoe apertus arcee arctic baichuan bailingmoe2 bert nomic-bert nomic-bert-moe jina-bert-v3 bitnet bloom
    chameleon chatglm codeshell cogvlm cohere2 cohere2moe command-r dbrx deci deepseek dots1 dream
    ernie4_5-moe ernie4_5 eurobert exaone falcon glm4moe glm4 gpt2 gptneox granitehybrid granite granitemoe
    grok grovemoe hunyuan-moe hunyuan-dense hunyuan_vl hy_v3 internlm2 jais jais2 laguna llada-moe llada
    llama llama-embed llama4 maincoder mellum minimax-01 minimax-m2 minimax-m3 mistral3 modern-bert mpt
    nanbeige nemotron_h nemotron_h_moe nemotron neo-bert olmo olmo2 olmoe openelm orion paddleocr
    pangu-embedded phi2 phi3 phimoe plamo qwen qwen2 qwen2moe qwen2vl qwen3 qwen35 qwen35moe qwen3moe
    qwen3next qwen3vl qwen3vlmoe refact rnd1 seed_oss smallthinker smollm3 spark2_5 stablelm starcoder
    starcoder2 t5 t5encoder xverse
    """
)
# All of a head is rotated.
ROTATES_ALL = _names(
    """
    apertus arcee arctic baichuan chameleon codeshell cogvlm cohere2moe dbrx deci deepseek dots1 dream
    ernie4_5-moe ernie4_5 exaone-moe exaone exaone4 falcon granite granitemoe grok grovemoe hunyuan-moe
    hunyuan-dense hunyuan_vl hy_v3 internlm2 jais2 llada-moe llada llama llama-embed llama4 maincoder mellum
    minimax-01 mistral3 nemotron olmo olmo2 olmoe orion paddleocr pangu-embedded plamo qwen2 qwen2moe qwen2vl
    qwen3 qwen3moe qwen3vl qwen3vlmoe rnd1 seed_oss smallthinker smollm3 starcoder2 xverse
    """
)
HEADLESS = _names("mamba mamba2 rwkv6 rwkv7 rwkv6qwen2 arwkv7 wavtokenizer-dec")
# Some of their layers attend and some do not: llama.cpp knows which by a head count of 0.
MIXED = _names("jamba falcon-h1 plamo2 granitehybrid lfm2 lfm2moe nemotron_h nemotron_h_moe deci")
NEED_EXPERTS = _names(
    """
    bailingmoe2 ernie4_5-moe glm4moe grovemoe hunyuan-moe lfm2moe llada-moe phimoe qwen2moe qwen35moe qwen3moe
    qwen3vlmoe smallthinker
    """
)
# Every layer asks as many of them.
SAME_EXPERTS = _names("deepseek2 gpt-oss lfm2moe llama qwen2moe qwen3moe qwen35moe")
# A dense model of these says that it has one expert.
ONE_EXPERT_IS_NONE = _names("hunyuan_vl hunyuan-dense")
# Queries, keys and values come from matrices exactly as wide as their heads; others add gates,
# compress, or have layers of another make.
PLAIN_PROJECTIONS = _names(
    """
    apertus arcee baichuan bloom chatglm cohere2 command-r dbrx deepseek dots1 dream ernie4_5 ernie4_5-moe
    exaone exaone4 falcon falcon-h1 gemma gemma-embedding gemma2 gemma3 glm4 glm4moe gpt-oss gpt2 gptneox
    granite granitehybrid granitemoe hunyuan-dense hunyuan-moe internlm2 jamba lfm2 lfm2moe llada llama llama4
    minicpm mistral3 mpt nemotron olmo olmo2 olmoe orion phi2 phi3 phimoe qwen qwen2 qwen2moe qwen2vl qwen3
    qwen3moe qwen3vl qwen3vlmoe seed_oss smollm3 stablelm starcoder starcoder2 xverse
    """
)
# Positions in several directions: each has its share of what is rotated.
HAVE_SECTIONS = _names("qwen2vl qwen3vl qwen3vlmoe qwen35 qwen35moe")
# Recurrent layers: the inner size is divided among heads; there are several kinds of heads; it is twice the
# embedding.
SCANS_BY_HEAD = _names("mamba2 falcon-h1 granitehybrid nemotron_h nemotron_h_moe plamo2")
CONVOLVE_WITH_BIAS = _names("mamba mamba2 falcon-h1 jamba granitehybrid nemotron_h nemotron_h_moe")
CONVOLVE_WITH_GATE = _names("qwen35 qwen35moe")
DELTA_NETS = _names("qwen35 qwen35moe qwen3next")
TWICE_AS_WIDE = _names("jamba granitehybrid")
