"""How requests travel, by a name that those may use who hand it on and know nothing of HTTP."""

from __future__ import annotations

import httpx

#: None where one is asked for: over the network.
Transport = httpx.BaseTransport
