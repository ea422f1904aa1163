"""The part of the control socket's language that is about models that could be had."""

from __future__ import annotations

from app.client.planning import PlanModel, PlanReply
from app.domain.catalogue import HubModel, HubSort, Selection
from app.domain.value import Value

SEARCH_LIMIT = 20


class Recommend(Value, tag=True):
    """Replies with Recommendations: the catalogue, as it suits this machine. Needs no network."""


class SearchHub(Value, tag=True):
    """Replies with FoundOnHub, best first."""

    words: str
    sort: HubSort = HubSort.DOWNLOADS
    author: str = ""
    limit: int = SEARCH_LIMIT


class Recommendations(Value, tag=True):
    selection: Selection


class FoundOnHub(Value, tag=True):
    models: tuple[HubModel, ...] = ()


FindingCommand = Recommend | SearchHub | PlanModel
FindingReply = Recommendations | FoundOnHub | PlanReply
