"""What a person has chosen: one table of settings, one file."""

from app.settings.settings import Settings

__all__ = ["Settings"]
