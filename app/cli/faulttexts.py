"""What can be wrong with a model file, in the words of the command line: clauses that follow a colon."""

from __future__ import annotations

from app.domain.filefault import FileFault

FAULTS: dict[str, str] = {
    FileFault.MAGIC: "it is no GGUF",
    FileFault.VERSION: "its format's version is not known",
    FileFault.TRUNCATED: "part of it is missing",
    FileFault.COUNTS: "it claims more entries than any model has",
    FileFault.HEADER_SIZE: "its header is larger than any model's",
    FileFault.STRING: "a text in it is too long",
    FileFault.KEY: "a key in it is empty, or there twice",
    FileFault.VALUE_TYPE: "a value is of the wrong type",
    FileFault.ARRAY: "a list in it is too long, or of no known type",
    FileFault.ALIGNMENT: "its alignment is not one that can be used",
    FileFault.TENSOR_NAME: "a tensor's name is too long, or there twice",
    FileFault.TENSOR_SHAPE: "a tensor's shape is impossible",
    FileFault.TENSOR_TYPE: "a tensor's type is not known",
    FileFault.TENSOR_OFFSET: "a tensor does not lie where it has to",
    FileFault.SHARDS: "its parts do not belong together",
    FileFault.NUMBER: "a number is out of range",
    FileFault.LAYERS: "a list does not have one entry for each layer",
    FileFault.EXPERTS: "its experts do not add up",
    FileFault.HEADS: "its attention heads do not add up",
    FileFault.ROPE_SCALING: "its way of stretching the context is not known",
    FileFault.WEIGHTS: "a tensor is of a type that its use does not allow",
    FileFault.TENSOR_MISSING: "a tensor is missing",
    FileFault.TOKENS: "the lists of its vocabulary are not equally long",
    FileFault.TOKEN_TWICE: "a token is in its vocabulary twice",
    FileFault.TOKEN_MISSING: "its vocabulary lacks a token that it needs",
    FileFault.CHARSMAP: "its table for rewriting text leads nowhere",
    FileFault.TOKENIZER: "it cannot read text",
    FileFault.TEMPLATE_SIZE: "its chat template is too long",
}
