"""What an installer takes is pinned once, with hashes, and names no registry."""

from __future__ import annotations

import re

from tests.locks import LOCK, PROJECT, ROOT, constraints, pinned


def test_the_lock_agrees_with_what_uv_takes() -> None:
    locked, constrained = pinned(LOCK.read_text(encoding="utf-8")), constraints()
    assert {"polars", "pandera", "jinja2", "click", "httpx", "pyyaml"} <= set(locked)
    assert locked.items() <= constrained.items()


def test_every_locked_file_has_a_hash() -> None:
    text = LOCK.read_text(encoding="utf-8")
    pins = re.split(r"\n(?=[a-z0-9])", text)
    assert all("--hash=sha256:" in pin for pin in pins if "==" in pin)


def test_no_registry_is_named() -> None:
    for path in (LOCK, PROJECT):
        assert not re.search(r"https?://|index-url|find-links", path.read_text(encoding="utf-8"))
    assert "uv.lock" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def test_jinja_below_the_fixed_release_is_not_accepted() -> None:
    major, minor, patch = (int(part) for part in constraints()["jinja2"].split("."))
    assert (major, minor, patch) >= (3, 1, 6)
    assert '"jinja2>=3.1.6"' in PROJECT.read_text(encoding="utf-8")
