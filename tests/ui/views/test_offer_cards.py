"""The cards of a first start: what they say, and that the keyboard alone gets a model."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.client.protocol import Pull
from app.domain.notice import Notice, NoticeCode
from tests.ui.offers import OFFERS

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing)")

FAST, BALANCED, BEST = OFFERS


@pytest.fixture
def cards(host, window, deliver):
    host.offers = list(OFFERS)
    deliver()
    return window.empty.offers


def test_a_card_says_what_a_model_is_good_at_its_size_and_how_it_runs_here(cards):
    assert cards.isVisible()
    said = [(card.name.whole_text(), card.role.text(), card.line.text()) for card in cards.cards]
    assert said == [
        ("DeepSeek-R1-Distill-Qwen-1.5B", "Fast", "1.1 GB · runs on your graphics card"),
        ("DeepSeek-R1-0528-Qwen3-8B", "Balanced", "5.0 GB · runs on your graphics card"),
        ("DeepSeek-R1-Distill-Qwen-14B", "Best", "9.0 GB · runs partly on your graphics card"),
    ]
    assert cards.cards[1].good_at.text() == "Good at reasoning, mathematics, code"
    assert cards.cards[1].button.accessibleName() == "Download DeepSeek-R1-0528-Qwen3-8B"
    assert "5.0 GB" in cards.cards[1].button.accessibleDescription()


def test_without_offers_there_are_no_cards(window, deliver):
    deliver()
    assert not window.empty.offers.isVisible()
    assert window.empty.get_button.text() == "Get a larger model…"


def test_other_ways_to_a_model_stay(host, window, deliver, cards):
    assert window.empty.get_button.text() == "Another model from the Hub…"
    window.empty.get_button.click()
    assert window.picker.popup.form.isVisible()
    window.picker.popup.close()
    host.models = []
    host.connect()
    deliver()
    assert cards.isVisible()
    assert window.empty.open_button.isVisible()


def test_one_model_is_got_by_keyboard_alone(host, window, deliver, cards, qtbot):
    window.activateWindow()
    qtbot.waitUntil(window.composer.edit.hasFocus)
    for _ in range(40):
        if QApplication.focusWidget() is cards.cards[1].button:
            break
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is cards.cards[1].button
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Space)
    deliver()
    assert [(pull.repo, pull.quant) for pull in host.asked(Pull)] == [(BALANCED.model.repo, "Q4_K_M")]
    assert cards.cards[1].button.text() == "Downloading"
    assert not cards.cards[1].button.isEnabled()
    assert cards.cards[2].button.isEnabled()


def test_a_refused_download_is_said_and_may_be_tried_again(host, window, deliver, cards):
    host.refusals[Pull] = Notice(code=NoticeCode.OFFLINE, facts={"host": "hub"})
    cards.cards[0].button.click()
    deliver()
    assert window.banner.isVisible()
    assert cards.cards[0].button.isEnabled()


def test_where_the_window_is_small_they_are_scrolled_to(window, cards, qtbot):
    window.resize(560, 420)
    window.activateWindow()
    qtbot.waitUntil(window.composer.edit.hasFocus)
    assert window.empty.verticalScrollBar().maximum() > 0
    for _ in range(40):
        if QApplication.focusWidget() is cards.cards[2].button:
            break
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    button = cards.cards[2].button
    assert QApplication.focusWidget() is button
    assert not button.visibleRegion().isEmpty()
