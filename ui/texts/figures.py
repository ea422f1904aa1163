"""Numbers, sizes and times as people read them, in the user's language."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLocale

_MINUTE_S = 60
_HOUR_S = 60 * _MINUTE_S

translate = QCoreApplication.translate


def number_text(number: float, decimals: int = 1) -> str:
    """Returns for example "12,345" or "41.3"."""
    locale = QLocale()
    return locale.toString(number, "f", decimals) if isinstance(number, float) else locale.toString(number)


def size_text(count: float) -> str:
    """Returns for example "98.8 MB": powers of 1000, as file managers and the Hub show them."""
    decimals = 1 if count >= 1_000_000 else 0
    return QLocale().formattedDataSize(int(count), decimals, QLocale.DataSizeFormat.DataSizeSIFormat)


def progress_text(done: float, total: float) -> str:
    """Returns for example "1.9 of 5.0 GB"; the unit once when both have the same."""
    first, second = size_text(done), size_text(total)
    figure, _, unit = first.rpartition(" ")
    if unit and second.rpartition(" ")[2] == unit:
        first = figure
    return translate("texts", "{done} of {total}").format(done=first, total=second)


def seconds_text(milliseconds: float) -> str:
    """Returns for example "0.08 s", "6.2 s" or "2 min 5 s"."""
    seconds = milliseconds / 1000
    if seconds >= _MINUTE_S:
        return duration_text(seconds)
    decimals = 2 if seconds < 1 else 1
    return translate("texts", "{seconds} s").format(seconds=number_text(seconds, decimals))


def rough_duration_text(seconds: float) -> str:
    """Returns about how long: whole minutes where seconds would only flicker."""
    if seconds >= _HOUR_S:
        return duration_text(seconds)
    if seconds >= 1.5 * _MINUTE_S:
        return translate("texts", "{minutes} min").format(minutes=round(seconds / _MINUTE_S))
    return translate("texts", "{seconds} s").format(seconds=max(1, round(seconds)))


def duration_text(seconds: float) -> str:
    """Returns a length of time in its two largest units."""
    whole = max(1, round(seconds))
    if whole >= _HOUR_S:
        hours, minutes = divmod(whole // _MINUTE_S, 60)
        return translate("texts", "{hours} h {minutes} min").format(hours=hours, minutes=minutes)
    if whole >= _MINUTE_S:
        minutes, rest = divmod(whole, _MINUTE_S)
        return translate("texts", "{minutes} min {seconds} s").format(minutes=minutes, seconds=rest)
    return translate("texts", "{seconds} s").format(seconds=whole)


def tokens_text(count: int) -> str:
    return translate("texts", "%Ln token(s)", "", count)


def speed_text(tokens_per_second: float) -> str:
    return translate("texts", "{speed} tokens/s").format(speed=number_text(float(tokens_per_second)))


def context_text(used: int, total: int) -> str:
    """Returns for example "2,143 of 8,192 tokens"; without a total only what is used."""
    if total <= 0:
        return tokens_text(used)
    return translate("texts", "{used} of %Ln token(s)", "", total).format(used=number_text(used))


def percent_text(fraction: float) -> str:
    return translate("texts", "{percent} %").format(percent=number_text(round(100 * fraction)))
