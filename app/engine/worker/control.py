"""What the reader thread tells the engine thread while that one is deep in native code.

Everything else between the two goes through a queue; only "stop" cannot wait in one.
"""

from __future__ import annotations

import ctypes
import threading


class Control:
    """Which requests exist, which are cancelled, and the flag llama.cpp's CPU backend polls.

    `abort_flag` is two bytes: libc's strlen over it is the abort callback, so polling costs no Python.
    """

    def __init__(self) -> None:
        self.abort_flag = ctypes.create_string_buffer(2)
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._cancelled: set[str] = set()
        self._active: set[str] = set()
        self._is_load_cancelled = False
        self._is_closing = False

    def accept(self, request_id: str) -> bool:
        """Notes a request; False if its id is already in use."""
        with self._lock:
            if request_id in self._known:
                return False
            self._known.add(request_id)
            return True

    def begin(self, request_id: str) -> None:
        """The request takes part in the steps from now on."""
        with self._lock:
            self._active.add(request_id)
            self._set_flag()

    def pause(self, request_id: str) -> None:
        """The request takes no part in the next steps."""
        with self._lock:
            self._active.discard(request_id)
            self._set_flag()

    def end(self, request_id: str) -> None:
        with self._lock:
            self._known.discard(request_id)
            self._cancelled.discard(request_id)
            self._active.discard(request_id)
            self._set_flag()

    def cancel(self, request_id: str) -> None:
        """Unknown ids are ignored: the request ended while the word was on its way."""
        with self._lock:
            if request_id in self._known:
                self._cancelled.add(request_id)
                self._set_flag()

    def is_cancelled(self, request_id: str) -> bool:
        return request_id in self._cancelled or self._is_closing

    def expect_load(self) -> None:
        self._is_load_cancelled = False

    def cancel_load(self) -> None:
        self._is_load_cancelled = True

    def is_load_cancelled(self) -> bool:
        return self._is_load_cancelled or self._is_closing

    def is_aborting(self) -> bool:
        return self.abort_flag.raw[0] == 1

    def close(self) -> None:
        """Everything is cancelled for good."""
        with self._lock:
            self._is_closing = True
            self._set_flag()

    def _set_flag(self) -> None:
        # The flag ends the whole step: it may only be set when all that take part in it are cancelled.
        is_up = self._is_closing or bool(self._active and self._active <= self._cancelled)
        self.abort_flag[0] = b"\x01" if is_up else b"\x00"
