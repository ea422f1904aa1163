"""Files that went wrong where it matters: one to three fields of a model's header are changed at a time.

The same seed always gives the same mutants. Most keep the file's structure whole (tensors are laid out
again), so that it is the loader's own rules that are tried and not only the reader's.
"""

from __future__ import annotations

import copy
import random
import string
import struct
from collections.abc import Callable

from tests.fakes.gguf_draft import Draft, DraftTensor, Item
from tests.fakes.gguf_names import (
    ARCHITECTURES,
    FLOATS,
    MORE_FLAGS,
    MORE_FLOATS,
    MORE_NUMBERS,
    NUMBERS,
    PRES,
    SPECIAL,
    TEMPLATES,
    TOKENIZERS,
)

UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING = 0, 1, 2, 3, 4, 5, 6, 7, 8
UINT64, FLOAT64 = 10, 12
Mutation = Callable[[Draft, random.Random], None]


def mutant(draft: Draft, chance: random.Random) -> tuple[Draft, str]:
    """Returns a changed copy, and what was done to it."""
    changed = copy.deepcopy(draft) if len(draft.tensors) < 2000 else draft
    done = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        mutation = chance.choices(list(MUTATIONS), list(MUTATIONS.values()))[0]
        mutation(changed, chance)
        done.append(mutation.__name__.removeprefix("_"))
    return changed, "+".join(done)


def broken_bytes(data: bytes, chance: random.Random, places: tuple[int, int]) -> bytes:
    """Flips, sets or overwrites with a telling number, up to four times."""
    broken = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(*places)
        kind = chance.randrange(3)
        if kind == 0:
            broken[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            broken[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
        else:
            number = chance.choice((0, 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1, chance.getrandbits(64)))
            broken[at : at + 8] = struct.pack("<Q", number)
    return bytes(broken)


# Values


def _number(draft: Draft, chance: random.Random) -> None:
    found = _pick(draft, chance, lambda item: item.kind in (UINT32, INT32) and not item.is_array)
    if found is not None:
        found.value = _near(_int(found), chance)


def _int(item: Item) -> int:
    return item.value if isinstance(item.value, int) else 0


def _near(number: int, chance: random.Random) -> int:
    near = (number + 1, number - 1, number * 2, number // 2, number + 2, chance.choice(NUMBERS))
    return max(chance.choice(near), 0)


def _float(draft: Draft, chance: random.Random) -> None:
    draft.set(_own(draft, chance.choice(MORE_FLOATS)), chance.choice(FLOATS), FLOAT32)


def _flag(draft: Draft, chance: random.Random) -> None:
    draft.set(_own(draft, chance.choice(MORE_FLAGS)), chance.random() < 0.5, BOOL)


def _more_number(draft: Draft, chance: random.Random) -> None:
    draft.set(_own(draft, chance.choice(MORE_NUMBERS)), chance.choice(NUMBERS), UINT32)


def _number_a_layer(draft: Draft, chance: random.Random) -> None:
    """One number becomes a list, which llama.cpp takes for many keys."""
    found = _pick(draft, chance, lambda item: item.kind == UINT32 and not item.is_array)
    if found is not None:
        length = chance.choice((0, 1, 2, 2, 2, 2, 3, 600))
        number = _int(found)
        found.value = [_near(number, chance) if chance.random() < 0.4 else number for _ in range(length)]
        found.is_array = True


def _rope_scaling(draft: Draft, chance: random.Random) -> None:
    name = chance.choice((b"none", b"linear", b"yarn", b"longrope", b"?", b""))
    draft.set(_own(draft, "rope.scaling.type"), name, STRING)


def _type(draft: Draft, chance: random.Random) -> None:
    item = _pick(draft, chance, lambda item: not item.is_array)
    if item is not None:
        item.kind = chance.randrange(13)
        item.value = _fitting(item.kind, chance)


def _fitting(kind: int, chance: random.Random) -> object:
    if kind == STRING:
        return chance.choice((b"", b"x", b"llama", b"\xff\xfe", b"1", b"a\0b"))
    if kind == 9:
        return struct.pack("<IQ", UINT32, 0)
    if kind in (FLOAT32, FLOAT64):
        return chance.choice(FLOATS)
    return chance.randrange(2) if kind == BOOL else chance.randrange(120)


def _array_type(draft: Draft, chance: random.Random) -> None:
    item = _pick(draft, chance, lambda item: item.is_array)
    if item is not None:
        item.kind = chance.randrange(13)
        length = len(item.value) if isinstance(item.value, list) else 0
        item.kind = item.kind if item.kind != 9 else INT32
        item.value = [_fitting(item.kind, chance) for _ in range(length)]


def _drop(draft: Draft, chance: random.Random) -> None:
    if draft.items:
        draft.items.remove(chance.choice(draft.items))


def _twice(draft: Draft, chance: random.Random) -> None:
    if draft.items:
        draft.items.append(copy.deepcopy(chance.choice(draft.items)))


def _key(draft: Draft, chance: random.Random) -> None:
    item = _pick(draft, chance, lambda item: True)
    if item is not None:
        item.key = chance.choice((b"", item.key + b"x", item.key[:-1], b"\0" + item.key, item.key.upper()))


def _architecture(draft: Draft, chance: random.Random) -> None:
    old, new = _name(draft).encode(), chance.choice(ARCHITECTURES).encode()
    for item in draft.items:
        if item.key.startswith(old + b"."):
            item.key = new + item.key[len(old) :]
    draft.set("general.architecture", new, STRING)


# Vocabulary


def _token(draft: Draft, chance: random.Random) -> None:
    tokens = _array(draft, "tokens")
    if len(tokens) > 1:
        a, b = chance.randrange(len(tokens)), chance.randrange(len(tokens))
        other = tokens[b] if isinstance(tokens[b], bytes) else b"?"
        odd = (other, b"", b"\0", b"\xff\xfe", f"[EMPTY_{b}]".encode(), b"x" * 5000, other + b"\0a")
        tokens[a] = chance.choice(odd)


def _array_length(draft: Draft, chance: random.Random) -> None:
    name = chance.choice(("tokens", "token_type", "merges", "scores"))
    values = _array(draft, name)
    if values:
        cut = chance.choice((0, 1, len(values) // 2, len(values) - 1))
        longer = [*values, *values[:1]] if name != "tokens" else [*values, b"new"]
        draft.item(f"tokenizer.ggml.{name}").value = chance.choice((values[:cut], longer))


def _array_count(draft: Draft, chance: random.Random) -> None:
    item = _pick(draft, chance, lambda item: item.is_array)
    if item is not None and isinstance(item.value, list):
        item.count = max(len(item.value) + chance.choice((-1, 1, 2**20, 2**40, 2**63)), 0)


def _token_types(draft: Draft, chance: random.Random) -> None:
    types = _array(draft, "token_type")
    for _ in range(min(len(types), chance.choice((1, 5, 500)))):
        types[chance.randrange(len(types))] = chance.choice((0, 1, 2, 3, 4, 5, 6, 7, -1))


def _merges(draft: Draft, chance: random.Random) -> None:
    merges = _array(draft, "merges")
    if merges:
        merges[chance.randrange(len(merges))] = chance.choice((b"", b" ", b"a", b" a", b"a ", b"\xff \xfe"))


def _special(draft: Draft, chance: random.Random) -> None:
    value = chance.choice((0, 1, 511, 512, 513, 2**31 - 1, 2**31, 2**32 - 1))
    draft.set(chance.choice(SPECIAL), value, UINT32)


def _tokenizer(draft: Draft, chance: random.Random) -> None:
    draft.set("tokenizer.ggml.model", chance.choice(TOKENIZERS).encode(), STRING)
    tokens = _array(draft, "tokens")
    if chance.random() < 0.8:
        draft.set("tokenizer.ggml.scores", [chance.uniform(-9, 9) for _ in tokens], FLOAT32, is_array=True)
    if chance.random() < 0.5:
        _bytes_of_spm(tokens)
    if chance.random() < 0.5:
        draft.set(chance.choice(SPECIAL), chance.randrange(512), UINT32)
    if chance.random() < 0.3:
        charsmap = [chance.randrange(256) for _ in range(chance.choice((0, 3, 4, 8, 100)))]
        draft.set("tokenizer.ggml.precompiled_charsmap", charsmap, UINT8, is_array=True)
    if chance.random() < 0.3:
        flag = chance.choice(("add_bos_token", "add_eos_token", "add_sep_token"))
        draft.set(f"tokenizer.ggml.{flag}", chance.random() < 0.7, BOOL)


def _bytes_of_spm(tokens: list[object]) -> None:
    for byte in range(min(256, len(tokens))):
        tokens[byte] = f"<0x{byte:02X}>".encode()


def _pre(draft: Draft, chance: random.Random) -> None:
    draft.set("tokenizer.ggml.pre", chance.choice(PRES).encode(), STRING)


def _suppress(draft: Draft, chance: random.Random) -> None:
    values = [chance.choice((0, 511, 512, -1, 2**31 - 1)) for _ in range(3)]
    kind = chance.choice((INT32, INT32, UINT8, FLOAT32))
    draft.set("tokenizer.ggml.suppress_tokens", [abs(value) % 256 for value in values], kind, is_array=True)
    if kind == INT32:
        draft.item("tokenizer.ggml.suppress_tokens").value = values


def _template(draft: Draft, chance: random.Random) -> None:
    draft.set("tokenizer.chat_template", chance.choice(TEMPLATES), STRING)


# Tensors


def _shape(draft: Draft, chance: random.Random) -> None:
    tensor = _tensor(draft, chance)
    if tensor is not None and tensor.shape:
        at = chance.randrange(len(tensor.shape))
        tensor.shape[at] = _near(tensor.shape[at], chance)
        _perhaps_laid_out(draft, chance)


def _transposed(draft: Draft, chance: random.Random) -> None:
    tensor = _tensor(draft, chance)
    if tensor is not None:
        tensor.shape.reverse()
        _perhaps_laid_out(draft, chance)


def _dimensions(draft: Draft, chance: random.Random) -> None:
    tensor = _tensor(draft, chance)
    if tensor is not None:
        tensor.shape = chance.choice(([], tensor.shape[:1], [*tensor.shape, 1], [*tensor.shape, 2, 1, 1]))
        _perhaps_laid_out(draft, chance)


def _tensor_type(draft: Draft, chance: random.Random) -> None:
    tensor = _tensor(draft, chance)
    if tensor is not None:
        tensor.kind = chance.randrange(44)
        _perhaps_laid_out(draft, chance)


def _offset(draft: Draft, chance: random.Random) -> None:
    tensor = _tensor(draft, chance)
    if tensor is not None:
        tensor.offset = chance.choice((0, tensor.offset + 32, tensor.offset + 1, 2**63, 2**64 - 32))


def _tensor_name(draft: Draft, chance: random.Random) -> None:
    tensor, other = _tensor(draft, chance), _tensor(draft, chance)
    if tensor is not None and other is not None:
        letters = "".join(chance.choices(string.ascii_letters, k=8)).encode()
        odd = (other.name, b"", letters, tensor.name + b"x", b"a" * 64, b"a" * 63, tensor.name + b"\0")
        tensor.name = chance.choice(odd)


def _renamed_layer(draft: Draft, chance: random.Random) -> None:
    tensor = _tensor(draft, chance)
    if tensor is not None:
        tensor.name = tensor.name.replace(b"blk.1", b"blk.7").replace(b"blk.0", b"blk.2")


def _missing_tensor(draft: Draft, chance: random.Random) -> None:
    tensor = _tensor(draft, chance)
    if tensor is not None:
        draft.tensors.remove(tensor)
        _perhaps_laid_out(draft, chance)


def _more_tensor(draft: Draft, chance: random.Random) -> None:
    tensor = _tensor(draft, chance)
    if tensor is not None:
        extra = copy.deepcopy(tensor)
        extra.name = chance.choice((b"rope_freqs.weight", b"output.weight", b"extra.weight", b"output.bias"))
        draft.tensors.append(extra)
        _perhaps_laid_out(draft, chance)


def _weights(draft: Draft, chance: random.Random) -> None:
    tensor = _tensor(draft, chance)
    if tensor is not None:
        tensor.data = chance.choice((b"\xff", b"\0", b"\x7f\xc0", chance.randbytes(64))) * len(tensor.data)
        tensor.data = tensor.data[: tensor.size_bytes]


# The whole


def _counts(draft: Draft, chance: random.Random) -> None:
    tensors, keys = len(draft.tensors), len(draft.items)
    odd = (-1, 1, 5, 2**31, 2**63 - 1)
    draft.counts = (max(tensors + chance.choice(odd), 0), max(keys + chance.choice((0, *odd)), 0))


def _head(draft: Draft, chance: random.Random) -> None:
    draft.version = chance.choice((0, 1, 2, 4, 2**24 * 3))


def _alignment(draft: Draft, chance: random.Random) -> None:
    draft.set("general.alignment", chance.choice((0, 1, 4, 8, 16, 32, 64, 48, 4096, 2**31)), UINT32)


def _split(draft: Draft, chance: random.Random) -> None:
    name = chance.choice(("split.no", "split.count", "split.tensors.count"))
    draft.set(name, chance.choice((0, 1, 2, 3)), chance.choice((UINT16, UINT16, UINT32, INT32, STRING - 1)))


def _perhaps_laid_out(draft: Draft, chance: random.Random) -> None:
    if chance.random() < 0.9:
        draft.lay_out()


def _tensor(draft: Draft, chance: random.Random) -> DraftTensor | None:
    return chance.choice(draft.tensors) if draft.tensors else None


def _pick(draft: Draft, chance: random.Random, fits: Callable[[Item], bool]) -> Item | None:
    fitting = [item for item in draft.items if fits(item)]
    return chance.choice(fitting) if fitting else None


def _array(draft: Draft, name: str) -> list[object]:
    for item in draft.items:
        if item.key == f"tokenizer.ggml.{name}".encode() and isinstance(item.value, list):
            return item.value
    return []


def _name(draft: Draft) -> str:
    for item in draft.items:
        if item.key == b"general.architecture" and isinstance(item.value, bytes):
            return item.value.decode("utf-8", "replace")
    return "llama"


def _own(draft: Draft, suffix: str) -> str:
    return f"{_name(draft)}.{suffix}"


# How often each: what the reader alone sees is told apart quickly, the loader's own rules are many.
MUTATIONS: dict[Mutation, int] = {
    **dict.fromkeys((_number, _more_number, _shape), 10),
    **dict.fromkeys((_number_a_layer, _architecture, _tokenizer, _tensor_type, _special, _token), 6),
    **dict.fromkeys((_float, _flag, _rope_scaling, _type, _array_length, _token_types, _merges, _pre), 3),
    **dict.fromkeys((_transposed, _dimensions, _missing_tensor, _more_tensor, _weights, _suppress), 3),
    **dict.fromkeys((_drop, _array_type, _split, _tensor_name, _renamed_layer, _template, _alignment), 2),
    **dict.fromkeys((_twice, _key, _array_count, _offset, _counts, _head), 1),
}
