"""States that are seen less often, and sizes and texts that are hard to lay out; see `scenes.py`."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QMimeData, QPoint, QUrl

from app.client.client import ConnectionState
from app.domain.chat import MessageStatus
from app.domain.engine import EngineState
from app.domain.notice import Action, Notice, NoticeCode
from app.domain.transfer import Transfer, TransferFile, TransferState
from tests.ui.fake_client import LARGER
from tests.ui.stage import TIMINGS, Stage
from ui.dialogs.shortcuts import ShortcutsDialog

QUESTION = "Why is the sky blue, and why not at sunset?"
ANSWER = (
    "The sky looks blue because air scatters short waves of light far more than long ones.\n\n"
    "At sunset the light has a longer way through the air. Most of the blue is gone by then, and what is "
    "left is orange and red."
)
RICH = """\
## Reading a file line by line

There are **two ways**; the *first* is the usual one. Use `with`, so that the file is closed whatever happens:

```python
from pathlib import Path

def longest_line(path: Path) -> str:
    \"\"\"Returns the longest line, without its end.\"\"\"
    with path.open(encoding="utf-8") as lines:  # one at a time
        return max((line.rstrip("\\n") for line in lines), key=len, default="")
```

1. It reads **one line at a time**, so the size of the file does not matter.
2. For a small file `path.read_text().splitlines()` is shorter:
   - it holds all of it in memory
   - it knows more kinds of line ends

> Opening with the wrong encoding raises `UnicodeDecodeError`; `errors="replace"` reads on.

| way | memory | lines/s |
|:----|-------:|--------:|
| `open` | 8 kB | 9,200,000 |
| `read_text` | all of it | 11,400,000 |

See the [documentation](https://docs.python.org/3/library/pathlib.html) for more.
"""
FILE = TransferFile(filename="a", size_bytes=5_030_000_000, done_bytes=1_940_000_000)
RUNNING = Transfer(
    id="t",
    repo="bartowski/Qwen3-8B-GGUF",
    quant="Q4_K_M",
    files=(FILE,),
    state=TransferState.RUNNING,
    bytes_per_second=11_400_000.0,
    seconds_left=272.0,
)


def _answered(stage: Stage) -> None:
    stage.settle()
    stage.load()
    stage.say(QUESTION)
    stage.host.grow(ANSWER)
    stage.end(timings=TIMINGS)


def _failed_download(stage: Stage, notice: Notice) -> None:
    _answered(stage)
    stage.host.fail_transfer(RUNNING, notice)
    stage.settle()


def _download_failed(stage: Stage) -> None:
    facts = {"kept_bytes": 1_940_000_000, "total_bytes": 5_030_000_000}
    actions = (Action.RESUME_DOWNLOAD,)
    _failed_download(stage, Notice(code=NoticeCode.DOWNLOAD_INTERRUPTED, facts=dict(facts), actions=actions))


def _disk_full(stage: Stage) -> None:
    facts = {"needed_bytes": 3_090_000_000, "free_bytes": 412_000_000, "path": "/home/ada/.local/share/cove"}
    actions = (Action.FREE_DISK, Action.RESUME_DOWNLOAD)
    _failed_download(stage, Notice(code=NoticeCode.DISK_FULL, facts=dict(facts), actions=actions))


def _offline(stage: Stage) -> None:
    facts = {"host": "huggingface.co"}
    notice = Notice(code=NoticeCode.OFFLINE, facts=dict(facts), actions=(Action.GO_ONLINE,))
    _failed_download(stage, notice)


def _first_download(stage: Stage) -> None:
    stage.host.models = []
    stage.host.chats.clear()
    stage.host.transfers = [RUNNING]
    stage.settle()


def _host_back(stage: Stage) -> None:
    """While it was away an answer was being written: that is told, with a way on."""
    stage.settle()
    stage.load()
    stage.say(QUESTION)
    stage.host.grow(ANSWER[:160])
    stage.settle()
    stage.host.change_connection(ConnectionState.LOST)
    stage.settle()
    stage.host.end(MessageStatus.INTERRUPTED)
    stage.host.connect()
    stage.settle()


def _died_midway(stage: Stage) -> None:
    stage.settle()
    stage.load()
    stage.say(QUESTION)
    stage.host.grow(ANSWER[:160])
    stage.host.set_engine(LARGER.id, EngineState.IDLE)
    actions = (Action.RETRY, Action.OPEN_LOG)
    notice = Notice(code=NoticeCode.ENGINE_DIED, facts={"reason": "crashed"}, actions=actions)
    stage.end(MessageStatus.FAILED, notice=notice)


def _load_failed(stage: Stage) -> None:
    stage.settle()
    stage.workspace.models.load(LARGER.id)
    facts = {"model": LARGER.name}
    notice = Notice(
        code=NoticeCode.ENGINE_OUT_OF_MEMORY, facts=dict(facts), actions=(Action.RETRY, Action.CHOOSE_MODEL)
    )
    stage.host.set_engine(LARGER.id, EngineState.FAILED, notice=notice)
    stage.settle()


def _rich(stage: Stage) -> None:
    stage.settle()
    stage.load()
    stage.say("How do I read a file line by line in Python?")
    stage.host.grow(RICH)
    stage.end(timings=TIMINGS)
    stage.window.resize(1240, 1120)


def _shortcuts(stage: Stage) -> None:
    _answered(stage)
    stage.window.actions_by_name["shortcuts"].trigger()
    (dialog,) = stage.window.findChildren(ShortcutsDialog)
    _put_in_the_middle(stage, dialog)


def _put_in_the_middle(stage: Stage, dialog: ShortcutsDialog) -> None:
    dialog.move(stage.window.geometry().center() - dialog.rect().center())
    stage.popups.append(dialog)


def _dropping(stage: Stage, path: str) -> None:
    _answered(stage)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path)])
    stage.window.drop_hint.show_for(data)


def _drop(stage: Stage) -> None:
    _dropping(stage, "/home/ada/Downloads/Qwen3-8B-Q4_K_M.gguf")


def _drop_wrong(stage: Stage) -> None:
    _dropping(stage, "/home/ada/holiday.jpg")


def _renaming(stage: Stage) -> None:
    _answered(stage)
    stage.window.sidebar.rename(stage.workspace.transcript.chat_id)


def _chat_menu(stage: Stage) -> None:
    _answered(stage)
    menu = stage.window.make_chat_menu("chat0")
    menu.popup(stage.window.mapToGlobal(QPoint(120, 200)))
    stage.popups.append(menu)


def _message_menu(stage: Stage) -> None:
    _answered(stage)
    menu = stage.window.transcript.views[1].make_menu(QPoint(0, 0))
    menu.popup(stage.window.mapToGlobal(QPoint(620, 170)))
    stage.popups.append(menu)


def _focus(stage: Stage) -> None:
    """Somebody without a mouse is at an answer."""
    _answered(stage)
    stage.window.activateWindow()
    stage.settle()
    stage.window.transcript.focus_message(-1)


def _sized(width: int, height: int) -> Callable[[Stage], None]:
    def scene(stage: Stage) -> None:
        stage.window.resize(width, height)
        _rich(stage)
        stage.window.resize(width, height)

    return scene


RARE: dict[str, Callable[[Stage], None]] = {
    "first-download": _first_download,
    "download-failed": _download_failed,
    "disk-full": _disk_full,
    "offline": _offline,
    "host-back": _host_back,
    "died-midway": _died_midway,
    "load-failed": _load_failed,
    "rich": _rich,
    "shortcuts": _shortcuts,
    "drop": _drop,
    "drop-wrong": _drop_wrong,
    "renaming": _renaming,
    "chat-menu": _chat_menu,
    "message-menu": _message_menu,
    "focus": _focus,
    "900x600": _sized(900, 600),
    "3840x2160": _sized(3840, 2160),
}
