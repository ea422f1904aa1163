"""What stands in the middle before a chat has begun: which model, and how to get one."""

from __future__ import annotations

import msgspec
import pytest

from app.domain.transfer import Transfer, TransferFile, TransferState
from app.events import TransferChanged
from tests.ui.fake_client import LARGER, STARTER

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)")


def test_without_a_model_it_says_how_to_get_one(host, window, deliver):
    host.models = []
    deliver()
    assert window.empty.title_text == "No model yet"
    assert "downloaded once" in window.empty.line_text
    assert not window.empty.suggestions[0].isVisible()
    assert window.picker.button.isEnabled()  # it has ways to get one
    window.empty.get_button.click()
    assert window.picker.popup.form.isVisible()
    window.picker.popup.close()


def test_a_first_model_on_its_way_is_said_in_the_middle(host, window, deliver):
    host.models = []
    file = TransferFile(filename="a", size_bytes=5_000_000_000, done_bytes=1_900_000_000)
    coming = Transfer(
        id="t", repo="owner/Some-GGUF", quant="Q4_K_M", files=(file,), state=TransferState.RUNNING
    )
    host.transfers = [coming]
    deliver()
    assert window.empty.title_text == "Your model is on its way"
    assert "Some-GGUF · Q4_K_M · 1.9 of 5.0 GB" in window.empty.line_text
    assert not window.empty.get_button.isVisible()
    host.say(TransferChanged(transfer=msgspec.structs.replace(coming, state=TransferState.PAUSED)))
    deliver()
    assert window.empty.title_text == "No model yet"
    assert window.empty.get_button.isVisible()


def test_a_larger_model_is_offered_where_there_is_only_the_small_one(host, window, deliver):
    deliver()
    assert window.empty.welcome.isVisible()
    assert window.sidebar.nothing.text() == "Your chats will be listed here."
    assert window.empty.get_button.text() == "Get a larger model…"
    host.models = [STARTER, LARGER]
    host.add_chat("c", "Hi", "Hello")
    host.connect()
    deliver()
    assert not window.empty.get_button.isVisible()
    assert not window.empty.welcome.isVisible()
    assert not window.sidebar.nothing.isVisible()
