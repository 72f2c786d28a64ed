"""The local page of a review: Starlette, for one person's browser on this machine."""

from __future__ import annotations

from etl.review.web.serving import LocalPage, Patience, served

__all__ = ["LocalPage", "Patience", "served"]
