"""What `conftest.py` holds against every test: nothing logged unasked, nothing left behind, no network."""
