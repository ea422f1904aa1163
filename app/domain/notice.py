"""What went wrong or is worth saying, as facts. The words are made in ui/texts.py and cli/texts.py."""

from __future__ import annotations

from enum import StrEnum

from app.domain.value import Value

Fact = str | int | float | bool


class NoticeCode(StrEnum):
    """One code a situation; each is worded in every language, with the facts named here."""

    # Engine
    ENGINE_DIED = "engine-died"  # reason, exit_code, signal
    ENGINE_OUT_OF_GPU_MEMORY = "engine-out-of-gpu-memory"  # model
    ENGINE_OUT_OF_MEMORY = "engine-out-of-memory"  # model
    ENGINE_DRIVER_FAILED = "engine-driver-failed"  # detail
    ENGINE_HUNG = "engine-hung"  # silent_s, phase
    ENGINE_STOPPED_FOR_GOOD = "engine-stopped-for-good"  # deaths
    ENGINE_MISMATCH = "engine-mismatch"  # expected, found
    PLAN_STEPPED_DOWN = "plan-stepped-down"  # change
    GPU_NOT_BUILT_IN = "gpu-not-built-in"
    GPU_LIBRARY_MISSING = "gpu-library-missing"  # detail
    GPU_NOT_FOUND = "gpu-not-found"
    # Model
    MODEL_NOT_FOUND = "model-not-found"  # model, candidates
    MODEL_FILE_MISSING = "model-file-missing"  # path
    MODEL_CORRUPT = "model-corrupt"  # path, detail
    MODEL_REFUSED = "model-refused"  # path, fault, value
    MODEL_UNSUPPORTED = "model-unsupported"  # architecture
    MODEL_HAS_NO_TEMPLATE = "model-has-no-template"  # model
    MODEL_LOAD_FAILED = "model-load-failed"  # model, detail
    MODEL_LOAD_CANCELLED = "model-load-cancelled"  # model
    MODEL_IN_USE = "model-in-use"  # model
    MODEL_NOT_REMOVABLE = "model-not-removable"  # model
    NO_MODEL = "no-model"
    # Template and prompt
    TEMPLATE_FAILED = "template-failed"  # detail
    TEMPLATE_TOO_COSTLY = "template-too-costly"  # limit
    PROMPT_TOO_LONG = "prompt-too-long"  # prompt_tokens, context_tokens
    CONTEXT_FULL = "context-full"
    REASONING_REPEATS = "reasoning-repeats"
    ADAPTER_FAILED = "adapter-failed"  # path, detail
    # Chat
    CHAT_NOT_FOUND = "chat-not-found"  # chat_id
    MESSAGE_NOT_FOUND = "message-not-found"  # message_id
    MESSAGE_TOO_LONG = "message-too-long"  # bytes, limit_bytes
    CHAT_BUSY = "chat-busy"  # chat_id
    FILE_NOT_A_CHAT = "file-not-a-chat"  # detail
    FILE_TOO_NEW = "file-too-new"  # found, known
    # Getting models
    REPO_NOT_FOUND = "repo-not-found"  # repo
    REPO_HAS_NO_GGUF = "repo-has-no-gguf"  # repo
    QUANT_NOT_FOUND = "quant-not-found"  # repo, quant, available
    REPO_GATED = "repo-gated"  # repo
    NETWORK_UNREACHABLE = "network-unreachable"  # host, detail
    OFFLINE = "offline"  # host
    HUB_REFUSED = "hub-refused"  # status, host
    DOWNLOAD_INTERRUPTED = "download-interrupted"  # kept_bytes, total_bytes
    DOWNLOAD_CHANGED = "download-changed"  # file
    DOWNLOAD_CORRUPT = "download-corrupt"  # file
    DISK_FULL = "disk-full"  # needed_bytes, free_bytes, path
    TRANSFER_NOT_FOUND = "transfer-not-found"  # transfer_id
    # Host and store
    HOST_UNREACHABLE = "host-unreachable"  # detail
    HOST_NEWER = "host-newer"  # host_version, client_version
    HOST_OLDER_BUSY = "host-older-busy"  # host_version, client_version
    HOST_NOT_RUNNING = "host-not-running"
    HOST_REFUSED = "host-refused"  # detail
    STORE_TOO_NEW = "store-too-new"  # found, known
    STORE_DAMAGED = "store-damaged"  # path, backup
    HOME_NOT_WRITABLE = "home-not-writable"  # path
    SETTINGS_DAMAGED = "settings-damaged"  # path, backup
    SETTING_INVALID = "setting-invalid"  # key, value
    # Anything unexpected
    BAD_REQUEST = "bad-request"  # detail
    BUG = "bug"  # detail


class Action(StrEnum):
    """What a person can do next; each is a button in the window and a hint on the command line."""

    RETRY = "retry"
    CONTINUE_ANSWER = "continue-answer"
    ANSWER_NOW = "answer-now"
    CHOOSE_MODEL = "choose-model"
    PULL_AGAIN = "pull-again"
    RESUME_DOWNLOAD = "resume-download"
    FREE_DISK = "free-disk"
    SET_TEMPLATE = "set-template"
    SHORTEN = "shorten"
    SIGN_IN = "sign-in"
    GO_ONLINE = "go-online"
    RESTART = "restart"
    UPDATE = "update"
    OPEN_LOG = "open-log"


class Notice(Value):
    """A situation a person should know of: a code, the facts that its words need, and what can be done."""

    code: NoticeCode
    facts: dict[str, Fact] = {}
    actions: tuple[Action, ...] = ()
