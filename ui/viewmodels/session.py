"""The connection to the host as the window shows it, and the settings that came over it."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QObject, Signal

from app.client.client import ConnectionState
from app.client.protocol import ChangeSetting, Refused, Reply, Snapshot
from app.domain.notice import Fact, Notice
from app.events import Event, SettingChanged
from ui.bridge import Bridge


class Link(StrEnum):
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    REFUSED = "refused"  # `notice` says why; it is tried again all the same
    CLOSED = "closed"


_LINKS = {
    ConnectionState.CONNECTING: Link.CONNECTING,
    ConnectionState.CONNECTED: Link.CONNECTED,
    ConnectionState.LOST: Link.RECONNECTING,
    ConnectionState.REFUSED: Link.REFUSED,
    ConnectionState.CLOSED: Link.CLOSED,
}


class Session(QObject):
    """`has_begun` once the host has answered for the first time."""

    changed = Signal()
    setting_changed = Signal(str, object)
    refused = Signal(object)  # Notice

    def __init__(self, bridge: Bridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._link = Link.CONNECTING
        self._notice: Notice | None = None
        self._has_begun = False
        self._settings: dict[str, Fact] = {}
        bridge.connection_changed.connect(self._on_connection)
        bridge.snapshot_taken.connect(self._on_snapshot)
        bridge.happened.connect(self._on_event)

    @property
    def link(self) -> Link:
        return self._link

    @property
    def notice(self) -> Notice | None:
        return self._notice

    @property
    def has_begun(self) -> bool:
        return self._has_begun

    def setting(self, key: str, default: Fact) -> Fact:
        """Returns the default until the host has told."""
        return self._settings.get(key, default)

    def change_setting(self, key: str, value: Fact) -> None:
        """Asks the host to change a setting, unless it has that value; it comes back as an event."""
        if self._settings.get(key) != value:
            self._bridge.ask(ChangeSetting(key=key, value=value), self._on_reply)

    def _on_reply(self, reply: Reply) -> None:
        if isinstance(reply, Refused):
            self.refused.emit(reply.notice)

    def _on_connection(self, state: ConnectionState, notice: Notice | None) -> None:
        # The first attempts are not a loss.
        link = _LINKS[state]
        self._link = Link.CONNECTING if link is Link.RECONNECTING and not self._has_begun else link
        self._notice = notice
        self.changed.emit()

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self._has_begun = True
        for key, value in snapshot.settings.items():
            self._set(key, value)
        self.changed.emit()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, SettingChanged):
            self._set(event.key, event.value)

    def _set(self, key: str, value: Fact) -> None:
        if self._settings.get(key) != value:
            self._settings[key] = value
            self.setting_changed.emit(key, value)
