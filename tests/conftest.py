"""Settings that every test shares."""

from __future__ import annotations

import os

from hypothesis import settings

# Nothing here may read or write the keyring of whoever runs the tests.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"

# On a change the examples are the same every time, so that a failure is the change's own;
# anywhere else they are new with every run, and hypothesis prints how to make one again.
settings.register_profile("change", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("change" if os.environ.get("CI") else "search")
