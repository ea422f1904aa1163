"""Notices and actions in the words of the command line: what happened, what was kept, what to do."""

from __future__ import annotations

from collections import defaultdict

from app.cli.faulttexts import FAULTS
from app.cli.sizes import readable_bytes
from app.domain.context import Reading
from app.domain.engine import Guard
from app.domain.notice import Action, Fact, Notice, NoticeCode

NOTICES: dict[NoticeCode, str] = {
    # Engine
    NoticeCode.ENGINE_DIED: "the engine ended unexpectedly ({reason}); everything written so far is kept.",
    NoticeCode.ENGINE_OUT_OF_GPU_MEMORY: (
        "{model} does not fit into the GPU's memory; nothing is lost. Use fewer layers (--gpu-layers) or a "
        "shorter context (--ctx)."
    ),
    NoticeCode.ENGINE_OUT_OF_MEMORY: (
        "there is not enough memory for {model}; nothing is lost. Close other programs, use a shorter "
        "context (--ctx) or a smaller quant."
    ),
    NoticeCode.ENGINE_DRIVER_FAILED: (
        "the GPU's driver failed ({detail}); everything written so far is kept. --gpu-layers 0 uses the CPU "
        "instead."
    ),
    NoticeCode.ENGINE_HUNG: (
        "the engine did nothing for {silent_s} s ({phase}) and was ended; everything written so far is kept."
    ),
    NoticeCode.ENGINE_STOPPED_FOR_GOOD: (
        "the engine ended {deaths} times in a row and is not started again by itself; everything written is "
        "kept. Try another model or smaller settings; `cove doctor` shows the reasons."
    ),
    NoticeCode.ENGINE_MISMATCH: (
        "the engine library is another one than Cove was made for (expected {expected}, found {found}). "
        "Install Cove anew."
    ),
    NoticeCode.PLAN_STEPPED_DOWN: "the model was loaded more carefully after it failed: {change}.",
    NoticeCode.GPU_NOT_BUILT_IN: (
        "no GPU is used: this engine was built for the processor alone, and models run there. Where the "
        "development files of Vulkan or CUDA are installed, `make clean setup` builds it for a GPU."
    ),
    NoticeCode.GPU_LIBRARY_MISSING: (
        "no GPU is used, because a library that it needs cannot be loaded ({detail}); models run on the "
        "processor. Vulkan's is in the package libvulkan1, or comes with the GPU's driver."
    ),
    NoticeCode.GPU_NOT_FOUND: (
        "no GPU is used, because no driver offers one (software drivers do not count); models run on the "
        "processor. If there is a GPU, install or update its driver."
    ),
    # Model
    NoticeCode.MODEL_NOT_FOUND: "there is no model “{model}”. `cove list` shows those that are here.",
    NoticeCode.MODEL_FILE_MISSING: (
        "there is no file {path}. If it was a model's, put it back, or remove the entry with `cove rm`."
    ),
    NoticeCode.MODEL_CORRUPT: "{path} is damaged ({detail}); it was left as it is.",
    NoticeCode.MODEL_REFUSED: (
        "{path} is not loaded: {fault} [{value}]. The engine would not survive it. The file was left as it "
        "is; take one that somebody else made."
    ),
    NoticeCode.MODEL_UNSUPPORTED: "models of the kind “{architecture}” are not supported yet.",
    NoticeCode.MODEL_HAS_NO_TEMPLATE: (
        "{model} has no chat template: it is a base model that continues text. Give it a template with "
        "--template FILE."
    ),
    NoticeCode.MODEL_LOAD_FAILED: "{model} could not be loaded ({detail}); nothing is lost.",
    NoticeCode.MODEL_LOAD_CANCELLED: "loading {model} was cancelled.",
    NoticeCode.MODEL_IN_USE: (
        "{model} is answering just now; nothing was changed. Wait for it, or stop it with `cove stop`."
    ),
    NoticeCode.MODEL_NOT_REMOVABLE: "{model} came with Cove and stays; nothing was changed.",
    NoticeCode.NO_MODEL: "there is no model yet. Get one with `cove pull OWNER/REPO:QUANT`.",
    # Template and prompt
    NoticeCode.TEMPLATE_FAILED: (
        "the chat template failed ({detail}); your message is kept. Give another one with --template FILE."
    ),
    NoticeCode.TEMPLATE_TOO_COSTLY: (
        "the chat template used more than it may ({limit}); your message is kept. Give another one with "
        "--template FILE."
    ),
    NoticeCode.PROMPT_TOO_LONG: (
        "with your message there are {prompt_tokens} tokens to read, and the context holds {context_tokens} "
        "with the answer; the message is kept. Shorten it, use a longer context (--ctx), or leave out old "
        "messages (--context-policy roll)."
    ),
    NoticeCode.CONTEXT_FULL: (
        "the answer ended because the context is full; it is kept. Use a longer context (--ctx), go on with "
        "--continue --context-policy roll, or begin a new chat."
    ),
    NoticeCode.REASONING_REPEATS: (
        "the model repeats itself while it thinks, and may never come to an end. Ctrl-\\ makes it answer now."
    ),
    NoticeCode.ADAPTER_FAILED: (
        "the adapter {path} cannot be used with this model ({detail}); nothing is lost. Leave it out "
        "(--adapter), or take one that was made for this model."
    ),
    # Chat
    NoticeCode.CHAT_NOT_FOUND: "there is no chat “{chat_id}”.",
    NoticeCode.MESSAGE_NOT_FOUND: "there is no message “{message_id}”.",
    NoticeCode.MESSAGE_TOO_LONG: (
        "the message has {bytes} and the limit is {limit_bytes}; it was not sent. Shorten it."
    ),
    NoticeCode.CHAT_BUSY: (
        "an answer is still being written in this chat; nothing was sent. Wait for it or stop it."
    ),
    NoticeCode.FILE_NOT_A_CHAT: "the file is no chat of Cove's ({detail}); nothing was changed.",
    NoticeCode.FILE_TOO_NEW: (
        "the file was written by a newer Cove (format {found}, this one knows {known}). Update Cove."
    ),
    # Getting models
    NoticeCode.REPO_NOT_FOUND: (
        "there is no repository “{repo}” on the Hub. Check the name; a private one needs HF_TOKEN."
    ),
    NoticeCode.REPO_HAS_NO_GGUF: "{repo} has no GGUF files. Look for a repository whose name ends in -GGUF.",
    NoticeCode.QUANT_NOT_FOUND: "{repo} has no quant “{quant}”. There are: {available}.",
    NoticeCode.REPO_GATED: "{repo} asks for consent: accept its terms on its page, then set HF_TOKEN.",
    NoticeCode.NETWORK_UNREACHABLE: (
        "{host} cannot be reached ({detail}); what is here already is kept. Check the connection and try "
        "again."
    ),
    NoticeCode.OFFLINE: (
        "Cove is set to stay offline, so {host} was not asked. Unset HF_HUB_OFFLINE or allow the network in "
        "the settings."
    ),
    NoticeCode.HUB_REFUSED: (
        "{host} refused (status {status}); what is here already is kept. Try again later."
    ),
    NoticeCode.DOWNLOAD_INTERRUPTED: (
        "the download was interrupted; {kept_bytes} of {total_bytes} are kept. The same command goes on "
        "from there."
    ),
    NoticeCode.DOWNLOAD_CHANGED: (
        "{file} has changed on the Hub since the download began. The same command fetches the new one."
    ),
    NoticeCode.DOWNLOAD_CORRUPT: (
        "{file} arrived damaged and was thrown away. The same command fetches it again."
    ),
    NoticeCode.DISK_FULL: (
        "the disk is full: {needed_bytes} are needed and {free_bytes} are free at {path}; what is here "
        "already is kept. Make room and try again."
    ),
    NoticeCode.TRANSFER_NOT_FOUND: "there is no download “{transfer_id}”.",
    # Host and store
    NoticeCode.HOST_UNREACHABLE: (
        "Cove's background host does not answer ({detail}); chats and models are kept. `cove doctor` tells "
        "more."
    ),
    NoticeCode.HOST_NEWER: (
        "a newer Cove ({host_version}) is running than this one ({client_version}). Update this one, or end "
        "the other with its own `cove quit`."
    ),
    NoticeCode.HOST_OLDER_BUSY: (
        "an older Cove ({host_version}) finishes its work first; this one ({client_version}) waits for it."
    ),
    NoticeCode.HOST_NOT_RUNNING: "nothing of Cove is running.",
    NoticeCode.HOST_REFUSED: "the background host refused ({detail}); nothing was changed.",
    NoticeCode.STORE_TOO_NEW: (
        "the chats were written by a newer Cove (format {found}, this one knows {known}); they were left "
        "untouched. Update Cove."
    ),
    NoticeCode.STORE_DAMAGED: (
        "the file with your chats, {path}, was damaged. What could be read is there; the damaged file is "
        "kept as {backup}."
    ),
    NoticeCode.HOME_NOT_WRITABLE: (
        "{path} cannot be written to; nothing was changed. Check its permissions, or choose another folder "
        "with --home."
    ),
    NoticeCode.SETTINGS_DAMAGED: (
        "the settings in {path} could not be read, so defaults are used; the old file is kept as {backup}."
    ),
    NoticeCode.SETTING_INVALID: "“{value}” is no value for the setting {key}; nothing was changed.",
    # Anything unexpected
    NoticeCode.BAD_REQUEST: "the request made no sense to the host ({detail}); nothing was changed.",
    NoticeCode.BUG: (
        "something in Cove went wrong ({detail}); chats are kept. `cove doctor` shows where the log is."
    ),
}

HINTS: dict[Action, str] = {
    Action.RETRY: "Try again.",
    Action.CONTINUE_ANSWER: "`cove run MODEL --continue` goes on with the chat.",
    Action.ANSWER_NOW: "Ctrl-\\ makes it answer now.",
    Action.CHOOSE_MODEL: "`cove list` shows the models that are here.",
    Action.PULL_AGAIN: "`cove pull` fetches it again.",
    Action.RESUME_DOWNLOAD: "`cove pull` goes on where it stopped.",
    Action.FREE_DISK: "`cove list` shows how much each model takes, `cove rm` removes one.",
    Action.SET_TEMPLATE: "--template FILE gives it one.",
    Action.SHORTEN: "A shorter text, or a new chat (without --continue), fits.",
    Action.SIGN_IN: "Set HF_TOKEN to a token of your account.",
    Action.GO_ONLINE: "Unset HF_HUB_OFFLINE.",
    Action.RESTART: "`cove quit` ends the background host; the next command starts it anew.",
    Action.UPDATE: "Install the newest Cove.",
    Action.OPEN_LOG: "`cove doctor` shows where the logs are.",
}


# What is denied to an engine child (`Confinement`), and whether it is.
GUARDED: dict[str, str] = {
    "network": "network",
    "files": "files",
    "signals": "other processes",
    "calls": "system calls",
    "limits": "core dumps",
}
GUARDS: dict[Guard, str] = {
    Guard.ON: "denied",
    Guard.ALLOWED: "allowed: a part of the model is on another machine",
    Guard.TURNED_OFF: "not denied: COVE_UNCONFINED is set",
    Guard.NOT_SUPPORTED: "not denied: this kernel (or processor) offers no way to",
    Guard.REFUSED: "not denied: the system (a container?) forbids it",
    Guard.OTHER_SYSTEM: "not denied: not available on this system",
}
FILES_DENIED = (
    "denied but for the system's, Cove's own, the model and the drivers' cache (Landlock {landlock})"
)


def sentence(notice: Notice) -> str:
    """Returns one line: what happened, what was kept, what to do."""
    facts = {name: _readable(name, fact) for name, fact in notice.facts.items()}
    # A fact that an older or newer host left out is no reason to say nothing.
    said = NOTICES[notice.code].format_map(defaultdict(lambda: "?", facts))
    return f"{said} Did you mean one of: {facts['candidates']}?" if facts.get("candidates") else said


def hints(notice: Notice) -> list[str]:
    """Returns what else can be done, one line each: for where there is room."""
    return [HINTS[action] for action in notice.actions]


def left_out(reading: Reading) -> str:
    """Not all of the chat is read any more."""
    count = reading.left_out
    said = f"{count} earlier message{'s are' if count != 1 else ' is'} no longer read, to fit the context"
    again = f"; {reading.reread_n} tokens are read before the answer" if reading.reread_n else ""
    return f"{said} (all are kept){again}."


def interrupted_answer(chars: int, model_id: str) -> str:
    """The host ended in mid-answer."""
    return (
        f"the background host ended in mid-answer. Your message and {chars} characters of the answer are"
        f" kept; `cove run {model_id} --continue` goes on with the chat."
    )


def paused_download(kept_bytes: int, total_bytes: int) -> str:
    kept, total = readable_bytes(kept_bytes), readable_bytes(total_bytes)
    return f"paused; {kept} of {total} are kept. The same command goes on from there."


def cancelled_download() -> str:
    return "the download was cancelled, and what it had fetched was deleted."


def _readable(name: str, fact: Fact) -> str:
    is_size = name == "bytes" or name.endswith("_bytes")
    text = readable_bytes(fact) if is_size and isinstance(fact, int | float) else str(fact)
    text = FAULTS.get(text, text) if name in ("fault", "detail") else text
    return " ".join(text.split())
