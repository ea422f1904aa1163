"""What Cove keeps, in one SQLite file; the only SQL of the project."""

from app.store.store import Store

__all__ = ["Store"]
