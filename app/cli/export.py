"""`cove export CHAT|--all`: chats as text, or whole as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from app.cli.verb import DONE, Options, Subparsers, UsageError, VerbError, Work, add_verb, ask
from app.client.client import Client
from app.client.protocol import ChatPage, ListChats, MessagePage, ReadMessages, ReadTree
from app.domain.chat import Chat, Message, Role
from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.exchange.json_chat import every_message, write_chat

_SPEAKERS = {Role.USER: "You", Role.ASSISTANT: "Model", Role.SYSTEM: "System"}


def add(verbs: Subparsers) -> None:
    parser = add_verb(verbs, "export", "print chats as text (as they are shown) or whole as JSON", run)
    parser.add_argument("chat", metavar="CHAT", nargs="?", help="its id, the start of it, or its title")
    parser.set_defaults(late="chat")
    parser.add_argument("--all", action="store_true", help="all chats")


def run(options: Options, work: Work) -> int:
    if bool(options.chat) == options.all:
        raise UsageError("say which chat, or --all")
    with work.client() as client:
        chats = list(all_chats(client))
        chosen = chats if options.all else [choose(options.chat, chats)]
        if options.json:
            write_json(client, chosen, work, as_list=options.all)
        else:
            write_text(client, chosen, work)
    return DONE


def all_chats(client: Client) -> Iterator[Chat]:
    """Every chat that is not in the trash, newest first."""
    seen: set[str] = set()
    before_ms: int | None = None
    while True:
        page = ask(client, ListChats(before_ms=before_ms), ChatPage)
        fresh = [chat for chat in page.chats if chat.id not in seen]
        yield from fresh
        seen.update(chat.id for chat in fresh)
        if not page.has_more or not page.chats:
            return
        # Chats of the same millisecond may be on either side of a page's end: look at that one again.
        before_ms = page.chats[-1].updated_ms + (1 if fresh else 0)


def choose(reference: str, chats: list[Chat]) -> Chat:
    """Returns the one chat that is meant. Raises CHAT_NOT_FOUND, and VerbError when several could be."""
    wanted = reference.casefold()
    rules = (
        [chat for chat in chats if chat.id == reference],
        [chat for chat in chats if chat.title.casefold() == wanted],
        [chat for chat in chats if chat.id.startswith(wanted)],
        [chat for chat in chats if wanted in chat.title.casefold()],
    )
    found = next((matches for matches in rules if matches), [])
    if not found:
        raise KnownError.of(NoticeCode.CHAT_NOT_FOUND, chat_id=reference)
    if len(found) > 1:
        names = ", ".join(f"{chat.id} ({chat.title})" for chat in found[:5])
        raise VerbError(f"“{reference}” could be any of: {names}. Say its id.")
    return found[0]


def write_json(client: Client, chats: list[Chat], work: Work, *, as_list: bool) -> None:
    """One chat is one document of `app.exchange`; all are a list of them. Written page by page."""
    work.console.write("[\n" if as_list else "")
    for place, chat in enumerate(chats):
        work.console.write(",\n" if place else "")
        for piece in write_chat(chat, every_message(partial(_tree_page, client, chat))):
            work.console.write(piece.decode())
    work.console.write("]\n" if as_list else "")


def write_text(client: Client, chats: list[Chat], work: Work) -> None:
    for chat in chats:
        work.console.line(f"# {chat.title or chat.id}\n")
        for message in branch(client, chat):
            work.console.line(f"## {_SPEAKERS[message.role]}\n\n{message.content}\n")


def branch(client: Client, chat: Chat) -> list[Message]:
    """The messages as the chat is shown, oldest first."""
    found: list[Message] = []
    before: str | None = None
    has_more = True
    while has_more:
        page = ask(client, ReadMessages(chat_id=chat.id, before_id=before), MessagePage)
        found[:0] = page.messages
        before = found[0].id if found else None
        has_more = page.has_more and bool(page.messages)
    return found


def _tree_page(client: Client, chat: Chat, after_id: str | None) -> tuple[tuple[Message, ...], bool]:
    page = ask(client, ReadTree(chat_id=chat.id, after_id=after_id), MessagePage)
    return page.messages, page.has_more
