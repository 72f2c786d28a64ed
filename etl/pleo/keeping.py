"""Where credentials are kept: the keyring of the system, or a file that only its owner may read.

One entry per Pleo (host) and company. An entry is replaced whole or not at all.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import platformdirs

from etl import files
from etl.documents import read_json
from etl.errors import Problem, UserMustFix
from etl.secret import Secret

APP = "pleo-etl"
SCHEMA = 1
#: Larger than any pair of tokens; what is larger is not ours.
MAX_BYTES = 65536
_UNSAFE = re.compile(r"[^A-Za-z0-9.\-]")


@dataclass(frozen=True, slots=True)
class KeptKey:
    """An API key, as it is kept."""

    key: Secret


@dataclass(frozen=True, slots=True)
class KeptTokens:
    """A pair of OAuth tokens, as it is kept; each refresh gives the next turn of the pair."""

    access: Secret
    refresh: Secret
    #: None: Pleo did not say for how long.
    ends_at: datetime | None
    #: Seconds before its end at which the access token is renewed.
    lead: int
    scopes: tuple[str, ...]
    turn: int = 1
    #: A refresh was begun and its result was not stored: the pair may be void.
    is_turning: bool = False


Kept = KeptKey | KeptTokens


class Place(Protocol):
    """A place that keeps one credential."""

    #: What the place is called, for a person.
    name: str

    def read(self) -> Kept | None:
        """Give what is kept, if anything."""
        ...

    def write(self, kept: Kept) -> None:
        """Keep this instead; when it returns, it is kept also after a power cut."""
        ...

    def remove(self) -> bool:
        """Forget it; False when there was nothing."""
        ...


def credential_folder() -> Path:
    """Give the folder of this user's credentials."""
    return Path(platformdirs.user_config_dir(APP, appauthor=False))


def host_of(base_url: str) -> str:
    """Give host and port of an address: a credential is sent to no other."""
    return urlsplit(base_url).netloc.casefold()


def places_of(base_url: str, company_id: str, *, folder: Path | None = None) -> list[Place]:
    """Give the places of a company's credential, in the order in which they are asked."""
    place = FilePlace(base_url, company_id, folder=folder)
    return [KeyringPlace(base_url, company_id), place] if has_keyring() else [place]


def lock_path(base_url: str, company_id: str, *, folder: Path | None = None) -> Path:
    """Give the file that is locked while the credential of a company changes."""
    return FilePlace(base_url, company_id, folder=folder).path.with_suffix(".lock")


class FilePlace:
    """A file in the user's own folder, with rights 0600; any other rights, and it is refused."""

    def __init__(self, base_url: str, company_id: str, *, folder: Path | None = None) -> None:
        self._host, self._company_id = host_of(base_url), company_id.casefold()
        stem = f"{_UNSAFE.sub('_', self._host)}_{self._company_id}"
        self.path = (folder or credential_folder()) / f"{stem}.json"
        self.name = f"the file {_shown(self.path)}"

    def read(self) -> Kept | None:
        """Give what is kept, if anything.

        Raises: UserMustFix AUTH-3 for a file that others can read or write, that belongs to
        someone else, that is a link, or that is not ours.
        """
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        if self.path.is_symlink():
            raise self._refused("is a link")
        try:
            descriptor = os.open(self.path, flags)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._refused(f"cannot be opened: {error.strerror}") from None
        try:
            self._check(os.fstat(descriptor))
            self._check_folder()
            raw = os.read(descriptor, MAX_BYTES + 1)
        finally:
            os.close(descriptor)
        return self._decoded(raw)

    def _check(self, found: os.stat_result) -> None:
        """Refuse what others could have read or put there."""
        if not stat.S_ISREG(found.st_mode):
            raise self._refused("is not a file")
        if os.name == "nt":  # rights there are lists of access, which the user's folder brings
            return
        if found.st_uid != os.geteuid():
            raise self._refused("belongs to another user")
        if found.st_mode & 0o077:
            raise self._refused("can be read or written by other users")

    def _check_folder(self) -> None:
        """Refuse a folder in which others could put another file in its place."""
        if os.name == "nt":
            return
        folder = self.path.parent.stat()
        if folder.st_uid not in (os.geteuid(), 0) or folder.st_mode & 0o022:
            what = "the folder of the credentials can be written by other users"
            fix = "make it your own alone, as with `chmod 700`, then look at what lies in it"
            raise UserMustFix(Problem("AUTH-3", what, _shown(self.path.parent), fix))

    def _decoded(self, raw: bytes) -> Kept:
        try:
            if len(raw) > MAX_BYTES:
                raise ValueError
            return decoded(raw, host=self._host, company_id=self._company_id)
        except (ValueError, KeyError, TypeError):
            raise self._refused("is damaged, or is not a credential of this company") from None

    def _refused(self, what: str) -> UserMustFix:
        fix = "delete the file, revoke the credential in Pleo if others could read it, and log in"
        fix += " again with `pleo-etl login`"
        return UserMustFix(Problem("AUTH-3", f"the credential file {what}", _shown(self.path), fix))

    def write(self, kept: Kept) -> None:
        """Keep this instead, whole or not at all.

        Raises: UserMustFix OUT-2 when the disk or the folder refuses, AUTH-3 for a link and for a
        folder that others can write to.
        """
        if self.path.is_symlink():
            raise self._refused("is a link")
        files.make_private_folder(self.path.parent)
        self._check_folder()
        text = encoded(kept, host=self._host, company_id=self._company_id)
        files.write_private(self.path, text.encode())

    def remove(self) -> bool:
        """Forget it; False when there was nothing.

        Raises: UserMustFix OUT-2.
        """
        return files.remove_file(self.path)


class KeyringPlace:
    """The keyring of the system, where the optional package keyring finds one."""

    name = "the keyring"

    def __init__(self, base_url: str, company_id: str) -> None:
        self._host, self._company_id = host_of(base_url), company_id.casefold()
        self._user = f"{self._host}/{self._company_id}"

    def read(self) -> Kept | None:
        """Give what is kept, if anything.

        Raises: UserMustFix AUTH-4 when the keyring refuses or holds something else.
        """
        text = read_keyring(self._user)
        if text is None:
            return None
        try:
            return decoded(text, host=self._host, company_id=self._company_id)
        except (ValueError, KeyError, TypeError):
            raise _keyring_refuses("holds something else under this name") from None

    def write(self, kept: Kept) -> None:
        """Keep this instead.

        Raises: UserMustFix AUTH-4 when the keyring refuses, or did not keep it.
        """
        text = encoded(kept, host=self._host, company_id=self._company_id)
        write_keyring(self._user, text)

    def remove(self) -> bool:
        """Forget it; False when there was nothing.

        Raises: UserMustFix AUTH-4.
        """
        return remove_keyring(self._user)


def has_keyring() -> bool:
    """Say whether there is a keyring that keeps secrets safely."""
    try:
        import keyring
    except ImportError:
        return False
    backend = keyring.get_keyring()
    # Below 1 are the ones that keep nothing, or keep it as plain text.
    return bool(backend.viable) and float(backend.priority) >= 1


def read_keyring(user: str) -> str | None:
    """Read an entry of ours.

    Raises: UserMustFix AUTH-4.
    """
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(APP, user)
    except KeyringError:
        raise _keyring_refuses("cannot be opened") from None


def write_keyring(user: str, text: str) -> None:
    """Write an entry of ours, and read it back.

    Raises: UserMustFix AUTH-4.
    """
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(APP, user, text)
    except KeyringError:
        raise _keyring_refuses("does not take the credential") from None
    if read_keyring(user) != text:
        raise _keyring_refuses("did not keep the credential")


def remove_keyring(user: str) -> bool:
    """Remove an entry of ours; False when there was none.

    Raises: UserMustFix AUTH-4.
    """
    import keyring
    from keyring.errors import KeyringError

    if read_keyring(user) is None:
        return False
    try:
        keyring.delete_password(APP, user)
    except KeyringError:
        raise _keyring_refuses("does not let go of the credential") from None
    return True


def _keyring_refuses(what: str) -> UserMustFix:
    fix = "unlock the keyring, or set PLEO_API_KEY for this command (PLEO_CLIENT_SECRET with OAuth)"
    return UserMustFix(Problem("AUTH-4", f"the keyring {what}", "the keyring", fix))


def encoded(kept: Kept, *, host: str, company_id: str) -> str:
    """Write a credential as it is kept; nothing else in the program reveals one to a file."""
    entry: dict[str, Any] = {"schema": SCHEMA, "host": host, "company": company_id}
    if isinstance(kept, KeptKey):
        entry |= {"kind": "api_key", "key": kept.key.reveal()}
    else:
        entry |= {
            "kind": "oauth", "access": kept.access.reveal(), "refresh": kept.refresh.reveal(),
            "ends_at": kept.ends_at.isoformat() if kept.ends_at else None, "lead": kept.lead,
            "scopes": list(kept.scopes), "turn": kept.turn, "is_turning": kept.is_turning,
        }  # fmt: skip
    return json.dumps(entry)


def decoded(raw: bytes | str, *, host: str, company_id: str) -> Kept:
    """Read a credential as it is kept.

    Raises: ValueError, KeyError or TypeError for anything else, and for one of another company.
    """
    entry: Mapping[str, Any] = read_json(raw)
    if (entry["schema"], entry["host"], entry["company"]) != (SCHEMA, host, company_id):
        raise ValueError
    if entry["kind"] == "api_key":
        return KeptKey(_secret(entry["key"]))
    if entry["kind"] != "oauth":
        raise ValueError
    ends_at = entry["ends_at"]
    return KeptTokens(
        _secret(entry["access"]), _secret(entry["refresh"]),
        datetime.fromisoformat(ends_at) if ends_at else None, int(entry["lead"]),
        tuple(str(scope) for scope in entry["scopes"]), int(entry["turn"]),
        bool(entry["is_turning"]),
    )  # fmt: skip


def _secret(text: Any) -> Secret:
    if not isinstance(text, str) or not text:
        raise ValueError
    return Secret(text)


def _shown(path: Path) -> str:
    """Name a file of this user without telling where the home folder is."""
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else path.name
