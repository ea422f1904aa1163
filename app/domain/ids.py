"""Identifiers: made by whoever creates the thing, sortable by time of making."""

from __future__ import annotations

import secrets
import time


def new_id() -> str:
    """Returns 32 hex digits: 48 bits of milliseconds, then 80 random bits (the layout of UUID version 7)."""
    return f"{now_ms():012x}{secrets.token_hex(10)}"


def now_ms() -> int:
    """Returns milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000
