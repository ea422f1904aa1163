"""Where a model would lie and how fast it would be, in the window's words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.domain.placement import DeviceShare, Limit, Placement
from ui.texts.figures import number_text, size_text

translate = QCoreApplication.translate


def placement_text(placement: Placement) -> str:
    """Returns for example "31 of 40 layers on RTX 3060: 12.0 GB card, 1.1 GB kept free for the desktop;
    about 9-12 tokens/s"."""
    said = where_text(placement)
    cards = _cards(placement)
    if len(cards) == 1:
        said = translate("texts", "{where}: {size} card, {kept} kept free for the desktop").format(
            where=said, size=size_text(cards[0].total_bytes), kept=size_text(max(0, cards[0].kept_bytes))
        )
    return "; ".join(filter(None, (said, speed_range_text(placement))))


def where_text(placement: Placement) -> str:
    cards = _cards(placement)
    if not cards:
        return translate("texts", "All of it on the processor")
    names = translate("texts", "{first} and {second}")
    where = _name(cards[0])
    for card in cards[1:]:
        where = names.format(first=where, second=_name(card))
    layers = {
        "gpu": number_text(placement.gpu_layers),
        "all": number_text(placement.all_layers),
        "card": where,
    }
    if placement.cpu_expert_layers:
        said = translate("texts", "{gpu} of {all} layers on {card}, the experts of {moved} on the processor")
        return said.format(moved=number_text(placement.cpu_expert_layers), **layers)
    return translate("texts", "{gpu} of {all} layers on {card}").format(**layers)


def speed_range_text(placement: Placement) -> str:
    """Returns nothing where nobody knows how fast it would be."""
    if not placement.high_tokens_s:
        return ""
    decimals = 0 if placement.low_tokens_s >= 2 else 1
    low, high = (number_text(float(s), decimals) for s in (placement.low_tokens_s, placement.high_tokens_s))
    return translate("texts", "about {low}-{high} tokens/s").format(low=low, high=high)


def why_text(placement: Placement) -> str:
    """Returns why it is not more, or what is wrong with it; nothing when all is well."""
    if not placement.fits:
        return _misfit_text(placement)
    words = {
        Limit.NOTHING: "",
        Limit.GPU_MEMORY: translate(
            "texts",
            "{missing} of graphics memory are missing for all of it. A shorter context, a smaller KV cache or"
            " a smaller quant needs less.",
        ),
        Limit.NO_GPU: translate("texts", "No graphics card was found."),
        Limit.SOFTWARE_GPU: translate("texts", "What calls itself a graphics card is the processor."),
        Limit.CHOSEN: translate("texts", "You chose how much of it is on the card."),
        Limit.SLOWER: translate("texts", "On the card it would be slower."),
    }
    return words[placement.limit].format(missing=size_text(placement.missing_bytes))


def _misfit_text(placement: Placement) -> str:
    if any(share.used_bytes > share.free_bytes - share.kept_bytes for share in _cards(placement)):
        return translate("texts", "The card has too little memory for that. Fewer layers fit.")
    return translate(
        "texts", "It does not fit into memory and would be very slow. Take a smaller quant or model."
    )


def _cards(placement: Placement) -> list[DeviceShare]:
    return [share for share in placement.shares if share.kind != "cpu" and share.layers]


def _name(share: DeviceShare) -> str:
    return share.description or share.device
