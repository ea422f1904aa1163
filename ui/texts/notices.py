"""Every notice and action in the window's words: what happened, then what was kept and what to do.

Sentence case, figures, no blame. Facts are put in after translation. The literals are found by
`pyside6-lupdate -tr-function-alias QT_TRANSLATE_NOOP+=_`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from app.domain.notice import Action, Fact, Notice, NoticeCode
from ui.texts.faults import FAULTS
from ui.texts.figures import number_text, size_text


@dataclass(frozen=True, slots=True)
class Words:
    """One situation in words; `advice` says what was kept and what to do, and may be empty."""

    happened: str
    advice: str = ""

    @property
    def whole(self) -> str:
        return f"{self.happened} {self.advice}".strip()


def _said(happened: str, advice: str = "") -> Words:
    return Words(happened, advice)


_ = QT_TRANSLATE_NOOP
NOTICES: dict[NoticeCode, Words] = {
    # Engine
    NoticeCode.ENGINE_DIED: _said(
        _("texts", "The engine stopped unexpectedly ({reason})."),
        _("texts", "Your message and what was written of the answer are kept."),
    ),
    NoticeCode.ENGINE_OUT_OF_GPU_MEMORY: _said(
        _("texts", "There was not enough graphics memory for {model}."),
        _("texts", "Everything written is kept. A smaller quant or a shorter context needs less."),
    ),
    NoticeCode.ENGINE_OUT_OF_MEMORY: _said(
        _("texts", "There was not enough memory for {model}."),
        _("texts", "Everything written is kept. Closing other programs or a smaller quant helps."),
    ),
    NoticeCode.ENGINE_DRIVER_FAILED: _said(
        _("texts", "The graphics driver failed."),
        _("texts", "Everything written is kept. The driver said: {detail}"),
    ),
    NoticeCode.ENGINE_HUNG: _said(
        _("texts", "The engine did nothing for {silent_s} seconds and was ended."),
        _("texts", "Everything written is kept."),
    ),
    NoticeCode.ENGINE_STOPPED_FOR_GOOD: _said(
        _("texts", "The engine stopped {deaths} times in a row and is not started again by itself."),
        _("texts", "Everything written is kept. Another model or a smaller quant may work."),
    ),
    NoticeCode.ENGINE_MISMATCH: _said(
        _("texts", "The engine is another version than Cove was made for."),
        _("texts", "Chats are kept. Installing Cove again mends it (expected {expected}, found {found})."),
    ),
    NoticeCode.PLAN_STEPPED_DOWN: _said(
        _("texts", "The model was loaded more carefully after it failed."),
        _("texts", "Changed: {change}."),
    ),
    NoticeCode.GPU_NOT_BUILT_IN: _said(
        _("texts", "No graphics card is used: the engine was built for the processor alone."),
        _("texts", "Models run on the processor."),
    ),
    NoticeCode.GPU_LIBRARY_MISSING: _said(
        _("texts", "No graphics card is used: a library that it needs cannot be loaded."),
        _(
            "texts",
            "Models run on the processor. Vulkan comes with the card's driver. The system said: {detail}",
        ),
    ),
    NoticeCode.GPU_NOT_FOUND: _said(
        _("texts", "No graphics card is used: no driver offers one."),
        _("texts", "Models run on the processor. If there is a card, its driver may need an update."),
    ),
    # Model
    NoticeCode.MODEL_NOT_FOUND: _said(
        _("texts", "The model {model} is not here."), _("texts", "Nothing was sent. Choose another one.")
    ),
    NoticeCode.MODEL_FILE_MISSING: _said(
        _("texts", "The model's file is gone: {path}"),
        _("texts", "Chats are kept. Put the file back or choose another model."),
    ),
    NoticeCode.MODEL_CORRUPT: _said(
        _("texts", "The model's file is damaged: {path}"),
        _("texts", "Chats are kept. Download the model again or choose another one. Reason: {detail}"),
    ),
    NoticeCode.MODEL_REFUSED: _said(
        _("texts", "This model's file would bring the engine down, so it is not loaded: {path}"),
        _("texts", "Chats are kept. Choose a file that somebody else made. Reason: {fault} ({value})"),
    ),
    NoticeCode.MODEL_UNSUPPORTED: _said(
        _("texts", "This kind of model is not supported yet ({architecture})."),
        _("texts", "Chats are kept. Choose another model, or look for a newer Cove."),
    ),
    NoticeCode.MODEL_HAS_NO_TEMPLATE: _said(
        _("texts", "{model} cannot hold a conversation: it is a base model without a chat template."),
        _("texts", "Your message is kept. Choose a model made for chat (often named Instruct or Chat)."),
    ),
    NoticeCode.MODEL_LOAD_FAILED: _said(
        _("texts", "{model} could not be loaded."), _("texts", "Everything written is kept. Reason: {detail}")
    ),
    NoticeCode.MODEL_LOAD_CANCELLED: _said(
        _("texts", "Loading {model} was cancelled."), _("texts", "Everything written is kept.")
    ),
    NoticeCode.MODEL_IN_USE: _said(
        _("texts", "{model} is answering just now."),
        _("texts", "Nothing was changed. Wait for the answer or stop it first."),
    ),
    NoticeCode.MODEL_NOT_REMOVABLE: _said(
        _("texts", "{model} came with Cove and stays."), _("texts", "Nothing was changed.")
    ),
    NoticeCode.NO_MODEL: _said(
        _("texts", "There is no model to answer."), _("texts", "Your message is kept. Choose a model first.")
    ),
    # Template and prompt
    NoticeCode.TEMPLATE_FAILED: _said(
        _("texts", "The model's chat template failed."),
        _("texts", "Your message is kept. Another model may work. Reason: {detail}"),
    ),
    NoticeCode.TEMPLATE_TOO_COSTLY: _said(
        _("texts", "The model's chat template used more than it may ({limit})."),
        _("texts", "Your message is kept. Choose another model."),
    ),
    NoticeCode.PROMPT_TOO_LONG: _said(
        _("texts", "There are {prompt_tokens} tokens to read; the context holds {context_tokens}."),
        _("texts", "Your message is kept. Shorten it, or begin a new chat."),
    ),
    NoticeCode.CONTEXT_FULL: _said(
        _("texts", "The answer ended because the context is full."),
        _("texts", "It is kept. Where old messages may be left out, it can go on; a new chat always can."),
    ),
    NoticeCode.REASONING_REPEATS: _said(
        _("texts", "The model repeats itself while it thinks."),
        _("texts", "It may never come to an end by itself."),
    ),
    NoticeCode.ADAPTER_FAILED: _said(
        _("texts", "The adapter {path} cannot be used with this model."),
        _("texts", "Nothing is lost. Load the model without it. Reason: {detail}"),
    ),
    # Chat
    NoticeCode.CHAT_NOT_FOUND: _said(
        _("texts", "This chat is no longer here."), _("texts", "What you typed is kept in a new chat.")
    ),
    NoticeCode.MESSAGE_NOT_FOUND: _said(
        _("texts", "That message is no longer here."), _("texts", "Nothing was changed.")
    ),
    NoticeCode.MESSAGE_TOO_LONG: _said(
        _("texts", "The message is {bytes} long; the limit is {limit_bytes}."),
        _("texts", "It was not sent and is still in the box. Shorten it and send again."),
    ),
    NoticeCode.CHAT_BUSY: _said(
        _("texts", "An answer is still being written in this chat."),
        _("texts", "Nothing was sent; your text is still in the box."),
    ),
    NoticeCode.FILE_NOT_A_CHAT: _said(
        _("texts", "That file holds no chat."), _("texts", "Nothing was changed. Reason: {detail}")
    ),
    NoticeCode.FILE_TOO_NEW: _said(
        _("texts", "That file was written by a newer Cove."),
        _("texts", "Nothing was changed. A newer Cove can read it (format {found}, known {known})."),
    ),
    # Getting models
    NoticeCode.REPO_NOT_FOUND: _said(
        _("texts", "There is no {repo} on the Hub."),
        _("texts", "Nothing was changed. Check the name; a private one needs a token."),
    ),
    NoticeCode.REPO_HAS_NO_GGUF: _said(
        _("texts", "{repo} has no GGUF files."),
        _("texts", "Nothing was changed. Look for a repository whose name ends in -GGUF."),
    ),
    NoticeCode.QUANT_NOT_FOUND: _said(
        _("texts", "{repo} has no quant {quant}."), _("texts", "Nothing was changed. There are: {available}")
    ),
    NoticeCode.REPO_GATED: _said(
        _("texts", "{repo} asks for consent first."),
        _("texts", "Accept its terms on its page, then set HF_TOKEN and try again."),
    ),
    NoticeCode.NETWORK_UNREACHABLE: _said(
        _("texts", "{host} cannot be reached."),
        _("texts", "What is here already is kept. Check the connection and try again."),
    ),
    NoticeCode.OFFLINE: _said(
        _("texts", "Cove is set to stay offline, so {host} was not asked."),
        _("texts", "What is here already is kept."),
    ),
    NoticeCode.HUB_REFUSED: _said(
        _("texts", "{host} refused the request (status {status})."),
        _("texts", "What is here already is kept. Try again later."),
    ),
    NoticeCode.DOWNLOAD_INTERRUPTED: _said(
        _("texts", "The download was interrupted."),
        _("texts", "{kept_bytes} of {total_bytes} are kept; it goes on from there."),
    ),
    NoticeCode.DOWNLOAD_CHANGED: _said(
        _("texts", "{file} has changed on the Hub since the download began."),
        _("texts", "Downloading again fetches the new one."),
    ),
    NoticeCode.DOWNLOAD_CORRUPT: _said(
        _("texts", "{file} arrived damaged and was thrown away."),
        _("texts", "Downloading again fetches it anew."),
    ),
    NoticeCode.DISK_FULL: _said(
        _("texts", "The disk is full: {needed_bytes} are needed, {free_bytes} are free."),
        _("texts", "What is here already is kept. Make room at {path} and try again."),
    ),
    NoticeCode.TRANSFER_NOT_FOUND: _said(
        _("texts", "That download is no longer here."), _("texts", "Nothing was changed.")
    ),
    # Host and store
    NoticeCode.HOST_UNREACHABLE: _said(
        _("texts", "Cove's background process does not answer; it is tried again and again."),
        _("texts", "Chats and what you typed are kept. Reason: {detail}"),
    ),
    NoticeCode.HOST_NEWER: _said(
        _("texts", "A newer Cove ({host_version}) is running than this window ({client_version})."),
        _("texts", "Chats are kept. Close this window and open the newer one."),
    ),
    NoticeCode.HOST_OLDER_BUSY: _said(
        _("texts", "An older Cove ({host_version}) is finishing its work; this window then goes on."),
        _("texts", "Chats and what you typed are kept."),
    ),
    NoticeCode.HOST_NOT_RUNNING: _said(
        _("texts", "Cove's background process is not running."), _("texts", "What you typed is kept.")
    ),
    NoticeCode.HOST_REFUSED: _said(
        _("texts", "Cove's background process refused ({detail})."), _("texts", "Nothing was changed.")
    ),
    NoticeCode.STORE_TOO_NEW: _said(
        _("texts", "The chats were written by a newer Cove."),
        _("texts", "They were left untouched. Open the newer Cove (format {found}, known {known})."),
    ),
    NoticeCode.STORE_DAMAGED: _said(
        _("texts", "The file with your chats was damaged: {path}"),
        _("texts", "What could be read is here; the damaged file is kept as {backup}."),
    ),
    NoticeCode.HOME_NOT_WRITABLE: _said(
        _("texts", "{path} cannot be written to."),
        _("texts", "Nothing was changed. Check its permissions, or start with --home and another folder."),
    ),
    NoticeCode.SETTINGS_DAMAGED: _said(
        _("texts", "The settings could not be read, so the defaults are used."),
        _("texts", "The old file is kept as {backup}."),
    ),
    NoticeCode.SETTING_INVALID: _said(
        _("texts", "“{value}” is no value for {key}."), _("texts", "Nothing was changed.")
    ),
    # Anything unexpected
    NoticeCode.BAD_REQUEST: _said(
        _("texts", "Cove's background process did not understand the window ({detail})."),
        _("texts", "Nothing was changed."),
    ),
    NoticeCode.BUG: _said(
        _("texts", "Something in Cove went wrong."), _("texts", "Chats are kept. The log has it: {detail}")
    ),
}

ACTIONS: dict[Action, str] = {
    Action.RETRY: _("texts", "Try again"),
    Action.CONTINUE_ANSWER: _("texts", "Continue answer"),
    Action.ANSWER_NOW: _("texts", "Answer now"),
    Action.CHOOSE_MODEL: _("texts", "Choose model"),
    Action.PULL_AGAIN: _("texts", "Download again"),
    Action.RESUME_DOWNLOAD: _("texts", "Resume download"),
    Action.FREE_DISK: _("texts", "Open folder"),
    Action.SET_TEMPLATE: _("texts", "Set a template"),
    Action.SHORTEN: _("texts", "Edit the text"),
    Action.SIGN_IN: _("texts", "Sign in"),
    Action.GO_ONLINE: _("texts", "Go online"),
    Action.RESTART: _("texts", "Restart Cove"),
    Action.UPDATE: _("texts", "Look for an update"),
    Action.OPEN_LOG: _("texts", "Open log folder"),
}

# Facts that are codes of their own.
CODES: dict[str, dict[str, str]] = {
    "fault": FAULTS,
    "detail": FAULTS,  # of a damaged file
    "reason": {
        "killed": _("texts", "ended from outside"),
        "crashed": _("texts", "it crashed"),
        "assertion": _("texts", "an impossible state"),
        "illegal-instruction": _("texts", "made for another processor"),
        "bad-frame": _("texts", "it spoke nonsense"),
        "exited": _("texts", "it left"),
        "bug": _("texts", "an error in Cove"),
        "not-started": _("texts", "it could not be started"),
    },
    "limit": {
        "time": _("texts", "time"),
        "memory": _("texts", "memory"),
        "output": _("texts", "length"),
        "depth": _("texts", "nesting"),
    },
}


def notice_words(notice: Notice) -> Words:
    """Words a notice. A fact that is missing (an older host may not have told it) is left out as “?”."""
    said = NOTICES[notice.code]
    facts = defaultdict(lambda: "?", {name: _fact(name, fact) for name, fact in notice.facts.items()})
    return Words(_tr(said.happened).format_map(facts), _tr(said.advice).format_map(facts))


def action_text(action: Action) -> str:
    return _tr(ACTIONS[action])


def _tr(text: str) -> str:
    return QCoreApplication.translate("texts", text)


def _fact(name: str, fact: Fact) -> str:
    if isinstance(fact, str):
        words = CODES.get(name, {}).get(fact)
        return _tr(words) if words is not None else " ".join(fact.split())
    if name == "bytes" or name.endswith("_bytes"):
        return size_text(fact)
    return number_text(fact)
