"""The window's states as small scripts, for pictures: each brings a fresh window into one state."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from PySide6.QtCore import QPoint

from app.client.client import ConnectionState
from app.client.protocol import Pull
from app.domain.chat import MessageStatus
from app.domain.context import ContextPolicy, PromptSize, Reading
from app.domain.engine import EngineState
from app.domain.generation import Phase, StopReason
from app.domain.notice import Action, Notice, NoticeCode
from app.domain.transfer import Transfer, TransferFile, TransferState
from tests.ui.fake_client import LARGER, STARTER
from tests.ui.offers import OFFERS
from tests.ui.rare_scenes import RARE
from tests.ui.stage import DAY_MS, TIMINGS, Stage

THOUGHT = msgspec.structs.replace(TIMINGS, reasoning_ms=6200, reasoning_n=184)
SKY = (
    "The sky looks blue because air scatters short waves of light far more than long ones. Sunlight holds "
    "all colours; on its way through the air the blue part is thrown about and reaches us from everywhere, "
    "while red and yellow come nearly straight.\n\n"
    "At sunset the light has a longer way through the air. Most of the blue is gone by then, and what is "
    "left is orange and red.\n\n"
    "Violet is scattered even more, but the sun sends less of it and our eyes are less awake to it, so what "
    "we see is blue."
)
LONG = "\n\n".join(f"{number}. {SKY}" for number in range(1, 9))
VIETNAMESE = (
    "Bầu trời có màu xanh vì không khí tán xạ ánh sáng có bước sóng ngắn mạnh hơn nhiều so với ánh sáng có "
    "bước sóng dài. Ánh sáng mặt trời chứa mọi màu sắc.\n\n"
    "天空看起来是蓝色的，因为空气对短波光的散射远强于长波光。"
    "日落时，光线要穿过更厚的大气层，蓝光大多已被散射掉，"
    "剩下的便是橙色和红色。\n\n"
    "하늘이 파란 이유는 레일리 산란 때문입니다. 空が青いのはレイリー散乱のためです。 "
    "Небо голубое. السماء زرقاء."
)


VIETNAMESE_CHATS = (
    ("Lịch trình ba ngày ở Đà Nẵng", 0),
    ("Sửa lỗi vòng lặp trong Python", 0),
    ("Thư mời họp phụ huynh", 1),
    ("Ôn thi: tích phân từng phần", 1),
    ("Cách nấu phở bò", 3),
    ("Tóm tắt báo cáo quý III", 6),
    ("Đặt tên cho cửa hàng hoa", 20),
)
BREAD = (
    "Có, bột vẫn nở được, chỉ chậm hơn. Men hoạt động mạnh nhất ở khoảng **24–28\u00a0°C**, nên trời càng "
    "lạnh thì thời gian ủ càng dài:\n\n"
    "| Nhiệt độ | Thời gian ủ |\n|---|---|\n"
    "| 26 °C | khoảng 1 giờ |\n| 18 °C | khoảng 2 giờ |\n| 4 °C, trong ngăn mát | 10 đến 12 giờ |\n\n"
    "1. Ủ bột trong lò nướng tắt, đặt cạnh một bát nước nóng.\n"
    "2. Đậy khăn ẩm để mặt bột không bị khô.\n"
    "3. Ấn nhẹ ngón tay: vết lõm **đầy lại từ từ** là bột đã đủ nở.\n\n"
    "Muốn bánh thơm hơn, hãy ủ lạnh qua đêm rồi để bột về nhiệt độ phòng trước khi nướng."
)


def _connecting(stage: Stage) -> None:
    stage.bridge._open_client = lambda listener: stage.host
    stage.host.is_holding = True


def _empty(stage: Stage) -> None:
    stage.settle()


def _starter(stage: Stage) -> None:
    stage.host.models = [STARTER]
    stage.host.offers = list(OFFERS)
    stage.host.settings["models.default"] = ""
    stage.host.chats.clear()
    stage.settle()


def _no_model(stage: Stage) -> None:
    stage.host.models = []
    stage.host.offers = list(OFFERS)
    stage.host.chats.clear()
    stage.settle()


def _no_offers(stage: Stage) -> None:
    stage.host.models = []
    stage.host.chats.clear()
    stage.settle()


def _offer_taken(stage: Stage) -> None:
    _starter(stage)
    stage.workspace.recommendations.download(OFFERS[1])


def _small_start(stage: Stage) -> None:
    stage.window.resize(560, 420)
    _starter(stage)


def _answered(stage: Stage) -> None:
    stage.settle()
    stage.load()
    stage.say("Why is the sky blue, and why not at sunset?")
    stage.host.grow(SKY, "The user asks about scattering. Keep it short.")
    stage.end(timings=THOUGHT)


def _loading(stage: Stage) -> None:
    stage.settle()
    stage.host.set_engine(LARGER.id, EngineState.LOADING, progress=0.43)
    stage.say("Why is the sky blue?")
    stage.move(Phase.LOADING)


def _reading(stage: Stage) -> None:
    stage.settle()
    stage.load()
    stage.say("Why is the sky blue?")
    stage.move(Phase.PREFILL, 1204, 3600)


def _thinking(stage: Stage) -> None:
    stage.settle()
    stage.load()
    stage.say("Why is the sky blue?")
    stage.move(Phase.DECODE)
    stage.host.grow(
        "", "The user asks why the sky is blue. That is Rayleigh scattering: the strength goes with "
    )
    stage.settle()
    stage.window.transcript.views[-1]._fold.set_open(is_open=True)


def _streaming(stage: Stage) -> None:
    stage.settle()
    stage.load()
    stage.say("Why is the sky blue?")
    stage.move(Phase.DECODE)
    stage.host.grow(SKY[:420])


def _long(stage: Stage) -> None:
    stage.settle()
    stage.load()
    stage.say("Tell me everything about the sky, in eight chapters")
    stage.host.grow(LONG)
    stage.end()


def _rolled(stage: Stage) -> None:
    stage.settle()
    stage.say("And what about the sea?")
    reading = Reading(left_out=12, from_id="x", reread_n=1480)
    stage.host.grow("The sea mirrors the sky, and it swallows red light first.")
    stage.end(reading=reading)
    size = PromptSize(tokens=4200, context_tokens=4096, fits=False, policy=ContextPolicy.ROLL)
    stage.workspace.composer.put_text("Tell me more about how deep the light goes.")
    stage.workspace.room._set(size)


def _scrolled_up(stage: Stage) -> None:
    _long(stage)
    bar = stage.window.transcript.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)


def _stopped(stage: Stage) -> None:
    _streaming(stage)
    stage.end(MessageStatus.STOPPED)


def _interrupted(stage: Stage) -> None:
    _streaming(stage)
    stage.end(MessageStatus.INTERRUPTED, timings=None)


def _failed(stage: Stage) -> None:
    _streaming(stage)
    facts = {"model": LARGER.name}
    actions = (Action.RETRY, Action.CHOOSE_MODEL)
    notice = Notice(code=NoticeCode.ENGINE_OUT_OF_GPU_MEMORY, facts=dict(facts), actions=actions)
    stage.end(MessageStatus.FAILED, notice=notice)


def _died(stage: Stage) -> None:
    stage.settle()
    stage.say("Why is the sky blue?")
    actions = (Action.RETRY, Action.OPEN_LOG)
    notice = Notice(code=NoticeCode.ENGINE_DIED, facts={"reason": "crashed"}, actions=actions)
    stage.end(MessageStatus.FAILED, notice=notice, timings=None)


def _cut(stage: Stage) -> None:
    _streaming(stage)
    stage.end(stop_reason=StopReason.CONTEXT_FULL, notice=Notice(code=NoticeCode.CONTEXT_FULL))


def _lost(stage: Stage) -> None:
    _answered(stage)
    stage.host.change_connection(ConnectionState.LOST)
    stage.settle()
    stage.workspace.notices._on_patience_ended()


def _newer(stage: Stage) -> None:
    _answered(stage)
    facts = {"host_version": "0.3.0", "client_version": "0.1.0"}
    notice = Notice(code=NoticeCode.HOST_NEWER, facts=dict(facts), actions=(Action.UPDATE,))
    stage.host.change_connection(ConnectionState.REFUSED, notice)
    stage.settle()
    stage.workspace.notices._on_patience_ended()


def _downloads(stage: Stage) -> None:
    running = Transfer(
        id="t",
        repo="bartowski/Qwen3-8B-GGUF",
        quant="Q4_K_M",
        files=(TransferFile(filename="a", size_bytes=5_030_000_000, done_bytes=1_940_000_000),),
        state=TransferState.RUNNING,
        bytes_per_second=11_400_000.0,
        seconds_left=272.0,
    )
    stage.host.transfers = [
        running,
        msgspec.structs.replace(
            running, id="p", repo="unsloth/gemma-3-4b-it-GGUF", state=TransferState.PAUSED
        ),
    ]
    _answered(stage)


def _languages(stage: Stage) -> None:
    stage.settle()
    stage.load()
    stage.say("Tại sao bầu trời màu xanh? 为什么天空是蓝色的？")
    stage.host.grow(VIETNAMESE)
    stage.end()
    stage.workspace.composer.put_text("Cảm ơn! 再说一遍好吗？")


def _vietnamese(stage: Stage) -> None:
    """Everything in Vietnamese; `screenshots.py` lets the window speak it too."""
    stage.host.chats.clear()
    for number, (title, days) in enumerate(VIETNAMESE_CHATS):
        updated_ms = stage.host._now_ms - days * DAY_MS - number
        stage.host.add_chat(f"vi{number}", "Chào", "Chào bạn", title=title, updated_ms=updated_ms)
    stage.settle()
    stage.load()
    stage.say("Trời lạnh thì bột bánh mì có nở được không?")
    stage.host.grow(BREAD, "Người dùng hỏi về nhiệt độ ủ bột. Trả lời ngắn gọn, có các bước.")
    stage.end(timings=THOUGHT)


def _writing(stage: Stage) -> None:
    _answered(stage)
    stage.workspace.composer.put_text(
        "\n".join(f"Line {number} of what is being written" for number in range(12))
    )


def _narrow(stage: Stage) -> None:
    stage.window.frame.show_sidebar(is_shown=False)
    stage.window.resize(560, 640)
    _failed(stage)


def _picker(stage: Stage) -> None:
    _answered(stage)
    stage.window.picker.open()
    stage.popups.append(stage.window.picker.popup)


def _menu(stage: Stage) -> None:
    _answered(stage)
    menu = stage.window._make_menu()
    menu.popup(stage.window.mapToGlobal(QPoint(16, 220)))
    stage.popups.append(menu)


def _editing(stage: Stage) -> None:
    _answered(stage)
    stage.window.transcript.views[0].edit_button.set_awake(is_awake=True)
    stage.workspace.composer.edit_last()


def _search(stage: Stage) -> None:
    _answered(stage)
    stage.window.sidebar.begin_search()
    stage.window.sidebar.search.setText("tr")
    stage.workspace.chats._look()
    stage.settle()


def _search_empty(stage: Stage) -> None:
    _answered(stage)
    stage.window.sidebar.search.setText("giraffe")
    stage.workspace.chats._look()
    stage.settle()


def _settings(stage: Stage) -> None:
    stage.window.frame.show_inspector(is_shown=True)
    stage.settle()
    stage.load()
    for number, speed in enumerate((5400, 5133, 5900, 5200, 4980, 5133)):
        stage.say("Why is the sky blue?" if not number else "Go on")
        stage.host.grow(SKY[: 180 + 40 * number])
        stage.end(timings=msgspec.structs.replace(TIMINGS, predicted_ms=speed))
    stage.workspace.inspector.set_system_prompt("Answer briefly and name your sources.")
    stage.workspace.inspector.set_sampler("temperature", 0.3)
    stage.workspace.inspector.set_sampler("seed", 42)
    stage.workspace.inspector.flush()


def _settings_first(stage: Stage) -> None:
    stage.host.models = [msgspec.structs.replace(STARTER, system_prompt="You are a helpful assistant.")]
    stage.window.resize(900, 600)
    stage.window.frame.show_inspector(is_shown=True)
    stage.settle()


def _get_model(stage: Stage) -> None:
    _answered(stage)
    stage.window.picker.open_form()
    stage.window.picker.popup.form.field.setText("bartowski/Qwen3-8B-GGUF:Q4_K_M")
    stage.popups.append(stage.window.picker.popup)


def _get_refused(stage: Stage) -> None:
    facts = {"repo": "bartowski/Qwen3-8B-GUF"}
    stage.host.refusals[Pull] = Notice(code=NoticeCode.REPO_NOT_FOUND, facts=dict(facts))
    _get_model(stage)
    stage.window.picker.popup.form.download.click()


def _deleted(stage: Stage) -> None:
    stage.settle()
    stage.workspace.delete_chat("chat0")


SCENES: dict[str, Callable[[Stage], None]] = {
    "connecting": _connecting,
    "first-start": _starter,
    "empty": _empty,
    "no-model": _no_model,
    "no-offers": _no_offers,
    "offer-taken": _offer_taken,
    "small-start": _small_start,
    "loading": _loading,
    "reading": _reading,
    "thinking": _thinking,
    "streaming": _streaming,
    "answered": _answered,
    "long": _long,
    "rolled": _rolled,
    "scrolled-up": _scrolled_up,
    "stopped": _stopped,
    "interrupted": _interrupted,
    "failed": _failed,
    "died": _died,
    "context-full": _cut,
    "host-lost": _lost,
    "newer-host": _newer,
    "downloads": _downloads,
    "languages": _languages,
    "vietnamese": _vietnamese,
    "writing": _writing,
    "narrow": _narrow,
    "picker": _picker,
    "menu": _menu,
    "deleted": _deleted,
    "chat-settings": _settings,
    "chat-settings-first": _settings_first,
    "editing": _editing,
    "get-model": _get_model,
    "get-refused": _get_refused,
    "search": _search,
    "search-nothing": _search_empty,
    **RARE,
}
