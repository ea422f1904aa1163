"""`cove search [WORDS]`: models that could be had. Without words, those that Cove recommends."""

from __future__ import annotations

from datetime import UTC, datetime

from app.cli.findtexts import GOOD_AT, ROLES, fit_text
from app.cli.numbers import whole
from app.cli.sizes import readable_bytes, readable_count
from app.cli.verb import DONE, Options, Subparsers, Work, add_verb, ask
from app.client.finding import SEARCH_LIMIT, FoundOnHub, Recommend, Recommendations, SearchHub
from app.domain.catalogue import HubModel, HubSort, Offer

# A search has as many questions as it finds repositories, and a slow network 15 s for each.
_LIMIT_S = 120.0
_HEAD = ("MODEL", "SIZE", "ON THIS MACHINE", "GOOD AT", "LICENCE", "")
_HUB_HEAD = ("MODEL", "SIZE", "ON THIS MACHINE", "PARAMETERS", "DOWNLOADS", "LIKES", "CHANGED", "LICENCE", "")
_MOST = 100


def add(verbs: Subparsers) -> None:
    text = "search the Hub for models; without words, those that Cove recommends"
    parser = add_verb(verbs, "search", text, run)
    parser.add_argument("words", metavar="WORDS", nargs="*")
    sorts = [sort.value for sort in HubSort]
    parser.add_argument(
        "--sort", choices=sorts, default=HubSort.DOWNLOADS.value, help="the most of what first"
    )
    parser.add_argument("--author", default="", help="only who published them")
    parser.add_argument("--limit", type=whole(1, _MOST), default=SEARCH_LIMIT, help="at most so many")


def run(options: Options, work: Work) -> int:
    words = " ".join(options.words).strip()
    if words or options.author:
        _search(options, work, words)
    else:
        _recommend(options, work)
    return DONE


def _recommend(options: Options, work: Work) -> None:
    with work.client() as client:
        selection = ask(client, Recommend(), Recommendations, _LIMIT_S).selection
    if options.json:
        work.console.json(selection.offers)
        return
    work.console.table(_HEAD, (_offer_row(offer) for offer in selection.offers))
    work.console.remark(
        f"Sizes as of {selection.checked}. Get one: cove pull MODEL. Search the Hub: cove search WORDS"
    )


def _search(options: Options, work: Work, words: str) -> None:
    query = SearchHub(words=words, sort=HubSort(options.sort), author=options.author, limit=options.limit)
    with work.client() as client:
        work.console.status("Asking the Hub…")
        models = ask(client, query, FoundOnHub, _LIMIT_S).models
    work.console.clear_status()
    if options.json:
        work.console.json(models)
    elif models:
        work.console.table(_HUB_HEAD, (_hub_row(model) for model in models))
    else:
        work.console.remark("cove: the Hub has no GGUF repository of that name.")


def _offer_row(offer: Offer) -> tuple[str, ...]:
    model = offer.model
    good_at = ", ".join(GOOD_AT[each] for each in model.good_at)
    role = ROLES[offer.role] if offer.role is not None else ""
    remark = ", ".join(filter(None, (role, "gated" if model.is_gated else "")))
    reference = f"{model.repo}:{offer.quant}"
    return (reference, readable_bytes(offer.size_bytes), fit_text(offer.fit), good_at, model.licence, remark)


def _hub_row(model: HubModel) -> tuple[str, ...]:
    changed = datetime.fromtimestamp(model.changed_ms / 1000, UTC).date() if model.changed_ms else ""
    return (
        f"{model.repo}:{model.quant}" if model.quant else model.repo,
        readable_bytes(model.size_bytes) if model.size_bytes else "",
        fit_text(model.fit) if model.fit is not None else "",
        readable_count(model.parameters),
        str(model.downloads),
        str(model.likes),
        str(changed),
        model.licence,
        "gated" if model.is_gated else "",
    )
