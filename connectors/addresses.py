"""Where our calls may go. Some addresses come from payloads and answers, and a name may lead anywhere."""

import re
import socket
from ipaddress import ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

_PUBLIC = re.compile(
    r"https://(?:[\w-]+\.)+[a-z][a-z0-9-]*[a-z0-9](?::443)?(?:[/?][^\s\x00-\x1f\x7f]*)?", re.ASCII | re.IGNORECASE
)
"""A full name, at the usual port and without a user: never a number, never a bare name of our own network."""


def is_public(url: str) -> bool:
    """Whether an address is written as one of the public web, over https."""
    return bool(_PUBLIC.fullmatch(url))


class PublicResolver(AbstractResolver):
    """For the connector of an aiohttp session: a name that leads into a private network leads nowhere.

    Not for the sandbox, which is on this machine.
    """

    def __init__(self) -> None:
        self._resolver = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        public = [address for address in found if ip_address(address["host"]).is_global]
        if not public:
            raise OSError(None, "the name leads into a private network")
        return public

    async def close(self) -> None:
        await self._resolver.close()
