"""Get the receipts of a job while its links are good: they live a day, the job an hour.

links ─> download each, retried ─> expired: fetch the items once more, new links, once more
                               └─> what cannot be had is kept as a problem, never dropped
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from etl import files
from etl.live.desk import Desk
from etl.live.stored import StoredFile, strip_links
from etl.pleo import downloads
from etl.pleo.links import FileLink

AGAIN = "again"


def download(desk: Desk, job_id: str, *, links: Sequence[FileLink], into: Path) -> list[StoredFile]:
    """Download all files of a job into a folder, named by their place from 1.

    Raises: UserMustFix OUT-2 when the disk refuses; what Pleo or the network refuses is a problem
    of the file.
    """
    if not links:
        return []
    found = _fetch(desk, links, into)
    expired = [place for place, one in enumerate(found) if one.is_expired]
    if expired:
        for place, one in _with_new_links(desk, job_id, places=expired, links=links, into=into):
            found[place] = one
    return [_stored(one) for one in found]


def _fetch(desk: Desk, links: Sequence[FileLink], into: Path) -> list[downloads.Fetched]:
    return downloads.fetch_files(
        links,
        folder=into,
        is_loopback=desk.address.is_loopback,
        clock=desk.clock,
        transport=desk.file_transport,
        tell=desk.tell,
    )


def _with_new_links(
    desk: Desk, job_id: str, *, places: Sequence[int], links: Sequence[FileLink], into: Path
) -> list[tuple[int, downloads.Fetched]]:
    """Fetch the items once more, and download under their new links what had expired."""
    new = {
        (link.entry_id, link.number): link
        for item in desk.pleo.export_items(job_id)
        for link in strip_links(item).links
    }
    renewed = [
        (place, new[key])
        for place in places
        if (key := (links[place].entry_id, links[place].number)) in new
    ]
    beside = into / AGAIN
    files.remove_folder(beside)
    files.make_private_folder(beside)
    found = _fetch(desk, [link for _, link in renewed], beside)
    moved = []
    for (place, _), one in zip(renewed, found, strict=True):
        if one.path is not None:
            target = into / str(place + 1)
            files.move_file(one.path, target)
            one = replace(one, path=target)
        moved.append((place, one))
    files.remove_folder(beside)
    return moved


def _stored(one: downloads.Fetched) -> StoredFile:
    """Note what became of a file, as it is kept beside the items."""
    return StoredFile(
        entry_id=one.entry_id,
        number=one.number,
        name="",
        type=one.type,
        bytes=one.bytes,
        sha256=one.sha256,
        problem=one.problem,
    )
