"""The window speaks the language that was chosen, or the system's, and writes figures in its way."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QLocale, QObject
from PySide6.QtWidgets import QLineEdit

from ui.texts import size_text, tokens_text
from ui.texts.figures import number_text, progress_text, seconds_text
from ui.texts.language import best_of, locale_for


@pytest.fixture
def language(language):
    yield language
    language.choose("en")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (["vi-Latn-VN", "vi-VN", "vi"], "vi"),
        (["de-DE", "de", "vi-VN", "en-GB"], "vi"),
        (["en_US", "vi"], "en"),
        (["C"], "en"),
        ([], "en"),
        (["vip"], "en"),
    ],
)
def test_the_system_s_language_is_the_first_that_there_is(wanted, code):
    assert best_of(wanted) == code


def test_figures_are_written_in_the_system_s_way_where_it_is_of_the_language():
    assert locale_for("en", QLocale("en_GB")).name() == "en_GB"
    assert locale_for("vi", QLocale("vi_VN")).name() == "vi_VN"
    assert locale_for("vi", QLocale("de_DE")).name() == "vi_VN"
    assert locale_for("en", QLocale.c()).name() == "en_US"


def test_words_and_figures_change_together(language):
    assert language.choose("vi")
    assert language.code == "vi"
    assert QObject().tr("Send") == "Gửi"
    assert size_text(1_234_567_890) == "1,2 GB"
    assert progress_text(1_900_000_000, 5_000_000_000) == "1,9 / 5,0 GB"
    assert number_text(12_345) == "12.345"
    assert seconds_text(6_200) == "6,2 giây"
    assert not language.choose("vi")
    assert language.choose("en")
    assert not language.choose("en")
    assert QObject().tr("Send") == "Send"
    assert size_text(1_234_567_890) == "1.2 GB"


def test_a_choice_unknown_here_follows_the_system(language):
    language.choose("vi")
    assert language.choose("tlh") == (best_of(QLocale.system().uiLanguages()) != "vi")
    assert language.code == best_of(QLocale.system().uiLanguages())


@pytest.mark.parametrize(
    ("code", "said"),
    [("en", ["0 tokens", "1 token", "2 tokens", "12,345 tokens"]), ("vi", ["0 token", "1 token", "2 token"])],
)
def test_a_number_decides_the_form(language, code, said):
    language.choose(code)
    assert [tokens_text(count) for count in (0, 1, 2, 12_345)][: len(said)] == said


def test_a_place_may_say_it_otherwise(language):
    language.choose("vi")
    assert QCoreApplication.translate("texts", "Writing") == "Đang viết"
    assert QCoreApplication.translate("actions", "Writing") == "Soạn thảo"
    assert QCoreApplication.translate("actions", "Send") == "Gửi"


def test_what_the_catalogue_lacks_stays_as_it_is(language):
    language.choose("vi")
    assert QObject().tr("Something nobody translated") == "Something nobody translated"
    assert QCoreApplication.translate("QShortcut", "Ctrl") == "Ctrl"


def test_the_menu_of_a_field_is_translated(language):
    language.choose("vi")
    field = QLineEdit()
    menu = field.createStandardContextMenu()
    said = [action.text().partition("\t")[0].replace("&", "") for action in menu.actions() if action.text()]
    assert said == ["Hoàn tác", "Làm lại", "Cắt", "Sao chép", "Dán", "Xóa", "Chọn tất cả"]
    menu.deleteLater()
