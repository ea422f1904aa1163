from __future__ import annotations

import gguf

from app.models.rules import architectures

# llama.cpp knows these, the format's own library has not heard of them yet.
_NAMES = "cohere2moe hy_v3 laguna mellum minimax-01 minimax-m3 nanbeige spark2_5"
NEWER = frozenset(_NAMES.split())


def test_every_name_is_an_architecture_s():
    known = set(gguf.MODEL_ARCH_NAMES.values()) | NEWER
    groups = [group for group in vars(architectures).values() if isinstance(group, frozenset)]
    assert len(groups) > 5
    assert set().union(*groups) - known == set()
