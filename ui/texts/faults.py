"""What can be wrong with a model file, in the window's words: clauses that follow a colon."""

from __future__ import annotations

from PySide6.QtCore import QT_TRANSLATE_NOOP

from app.domain.filefault import FileFault

_ = QT_TRANSLATE_NOOP
FAULTS: dict[str, str] = {
    FileFault.MAGIC: _("texts", "it is no GGUF file"),
    FileFault.VERSION: _("texts", "its version of the format is not known"),
    FileFault.TRUNCATED: _("texts", "part of it is missing"),
    FileFault.COUNTS: _("texts", "it claims more entries than any model has"),
    FileFault.HEADER_SIZE: _("texts", "its header is larger than any model's"),
    FileFault.STRING: _("texts", "a text in it is too long"),
    FileFault.KEY: _("texts", "a key in it is empty, or there twice"),
    FileFault.VALUE_TYPE: _("texts", "a value is of the wrong type"),
    FileFault.ARRAY: _("texts", "a list in it is too long, or of no known type"),
    FileFault.ALIGNMENT: _("texts", "its alignment cannot be used"),
    FileFault.TENSOR_NAME: _("texts", "a tensor's name is too long, or there twice"),
    FileFault.TENSOR_SHAPE: _("texts", "a tensor's shape is impossible"),
    FileFault.TENSOR_TYPE: _("texts", "a tensor's type is not known"),
    FileFault.TENSOR_OFFSET: _("texts", "a tensor does not lie where it has to"),
    FileFault.SHARDS: _("texts", "its parts do not belong together"),
    FileFault.NUMBER: _("texts", "a number is out of range"),
    FileFault.LAYERS: _("texts", "a list does not have one entry for each layer"),
    FileFault.EXPERTS: _("texts", "its experts do not add up"),
    FileFault.HEADS: _("texts", "its attention heads do not add up"),
    FileFault.ROPE_SCALING: _("texts", "its way of stretching the context is not known"),
    FileFault.WEIGHTS: _("texts", "a tensor is of a type that its use does not allow"),
    FileFault.TENSOR_MISSING: _("texts", "a tensor is missing"),
    FileFault.TOKENS: _("texts", "the lists of its vocabulary are not equally long"),
    FileFault.TOKEN_TWICE: _("texts", "a token is in its vocabulary twice"),
    FileFault.TOKEN_MISSING: _("texts", "its vocabulary lacks a token that it needs"),
    FileFault.CHARSMAP: _("texts", "its table for rewriting text leads nowhere"),
    FileFault.TOKENIZER: _("texts", "it cannot read text"),
    FileFault.TEMPLATE_SIZE: _("texts", "its chat template is too long"),
}
