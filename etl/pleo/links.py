"""Links to attachments, and where they may lead: they come from outside, so nothing is believed.

A link leads to an https address on the public internet. Only where Pleo itself is a sandbox on
this machine, a link may be http, and then every step of it stays on this machine.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

import httpx

from etl.secret import Secret

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_LINK = 8_000  # characters; signed links of the large stores have one or two thousand
MAX_PORT = 65_535

#: Prefixes of IPv6 that stand for an IPv4 address, and where in it that address begins (bits).
#: Source: RFC 4291 (mapped, compatible), RFC 6052 (NAT64), RFC 3056 (6to4).
_CARRIERS = (
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)
_THIS_MACHINE = ipaddress.IPv6Address("::1")
#: Not public, whatever a version of Python's list of public networks says.
#: Source: IANA registries of special purpose addresses; RFC 3879 (fec0); Azure's own address
#: for secrets of a machine (168.63.129.16), Oracle's for the same (192.0.0.192).
_INSIDE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "100.64.0.0/10", "168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16",
        "fc00::/7", "fec0::/10",
    )
)  # fmt: skip
#: How the name of a computer is written, and the end of one that a resolver would all the same
#: read as a number: 2130706433, 0x7f.1, 0177.0.0.1.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*\Z")
_NUMBER = re.compile(r"(?:[0-9]+|0[xX][0-9a-fA-F]*)\Z")


@dataclass(frozen=True, slots=True)
class FileLink:
    """A file of an export item that can be had for a day: number counts from 1 in the item."""

    entry_id: str
    number: int
    url: Secret
    type: str
    size: int | None


class LinkRefused(Exception):
    """A link that is not followed; says why, and never where it leads."""


def read_link(text: str, *, is_local: bool) -> httpx.URL:
    """Give the address of a link that may be followed, as far as its text shows.

    `is_local` allows only http to this machine; otherwise only https is allowed. Where a name
    leads is seen when a connection is made (see etl.pleo.network).
    Raises: LinkRefused.
    """
    if len(text) > MAX_LINK:
        raise LinkRefused("the link is longer than a link may be")
    try:
        url = httpx.URL(text)
        host = url.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise LinkRefused("the link cannot be read") from None
    if url.scheme != ("http" if is_local else "https"):
        raise LinkRefused("the link is not an https link")
    if url.userinfo:
        raise LinkRefused("the link carries a user name or a password")
    if url.port is not None and not 0 < url.port <= MAX_PORT:
        raise LinkRefused("the link cannot be read")
    address = _literal(host)
    if address is not None and not may_connect(address, is_local=is_local):
        raise LinkRefused("the link leads into a network that is not public")
    return url


def is_local_link(text: str) -> bool:
    """Say whether a link wants to be followed on this machine, as those of a sandbox do."""
    return text[:5].casefold() == "http:"


def _literal(host: str) -> IPAddress | None:
    """Give the address that a host is written as, or None for a name.

    Raises: LinkRefused for an address in another spelling than the usual one.
    """
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        if not _NAME.match(host) or _NUMBER.match(host.rstrip(".").rpartition(".")[2]):
            raise LinkRefused("the link names a computer in an unusual way") from None
        return None


def may_connect(address: IPAddress, *, is_local: bool) -> bool:
    """Say whether a link may lead to an address: to this machine, or to the public internet."""
    inner = _carried(address)
    if inner is not None:
        return not is_local and may_connect(inner, is_local=False)
    if is_local:
        return address.is_loopback
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _INSIDE)
    )


def _carried(address: IPAddress) -> ipaddress.IPv4Address | None:
    """Give the IPv4 address inside of an IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address) or address == _THIS_MACHINE:
        return None
    for network, shift in _CARRIERS:
        if address in network:
            return ipaddress.IPv4Address(int(address) >> shift & 0xFFFFFFFF)
    return None
