"""What tests of fakes of the engine share with those of the engine child."""

from tests.engine.worker.conftest import library

__all__ = ["library"]
