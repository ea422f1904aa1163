from tests.realmodels import gemma3, smollm2

__all__ = ["gemma3", "smollm2"]
