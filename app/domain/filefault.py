"""What can be wrong with a model file, as the validator names it. The words are in ui/texts and cli/texts."""

from __future__ import annotations

from enum import StrEnum


class FileFault(StrEnum):
    """One reason a file is not given to native code. Facts beside it: `name` (the key or tensor), `found`,
    `allowed`."""

    # The format
    MAGIC = "magic"
    VERSION = "version"
    TRUNCATED = "truncated"
    COUNTS = "counts"
    HEADER_SIZE = "header-size"
    STRING = "string"
    KEY = "key"
    VALUE_TYPE = "value-type"
    ARRAY = "array"
    ALIGNMENT = "alignment"
    TENSOR_NAME = "tensor-name"
    TENSOR_SHAPE = "tensor-shape"
    TENSOR_TYPE = "tensor-type"
    TENSOR_OFFSET = "tensor-offset"
    # A model in several files
    SHARDS = "shards"
    # What llama.cpp makes of it
    NUMBER = "number"  # outside what llama.cpp can work with
    LAYERS = "layers"  # a list with one entry a layer has another length
    EXPERTS = "experts"
    HEADS = "heads"
    ROPE_SCALING = "rope-scaling"
    WEIGHTS = "weights"  # a tensor in a type or shape that its use does not allow
    TENSOR_MISSING = "tensor-missing"
    TOKENS = "tokens"  # lists of the vocabulary disagree
    TOKEN_TWICE = "token-twice"
    TOKEN_MISSING = "token-missing"  # one that its tokenizer needs
    TOKENIZER = "tokenizer"  # none that makes tokens of text
    CHARSMAP = "charsmap"
    # The chat template
    TEMPLATE_SIZE = "template-size"
