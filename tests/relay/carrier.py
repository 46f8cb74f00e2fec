"""A process that carries one file as a worker does, and tells how far its memory grew: see ``test_files.py``.

Started with the sandbox's address; reads from its input, pickled by the test that starts it, what to carry: the origin's
slug, credentials and attachments (a small one to get warm, and the one that counts), the target's, and the draft.
"""

import asyncio
import pickle
import re
import sys
from pathlib import Path

import aiohttp

import connectors
from connectors.downloads import opening_over_aiohttp
from connectors.http import over_aiohttp
from relay.files import Files


def memory(name: str) -> int:
    """Bytes of this process that are in memory: ``VmRSS`` now, ``VmHWM`` at most so far."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


async def main(base: str) -> None:
    origin, credentials, attachments, target, credentials_there, draft = pickle.load(sys.stdin.buffer)  # noqa: S301
    speaker, listener = connectors.get(origin)(credentials), connectors.get(target)(credentials_there)
    async with aiohttp.ClientSession() as session:
        files = Files(over_aiohttp(session), opening_over_aiohttp(session), base)
        for attachment in attachments:
            before = memory("VmRSS")
            examined = await files.examine(speaker, attachment, listener)
            assert not examined.obstacle, examined.obstacle
            await files.carry(speaker, examined.attachment, listener, draft)
    print(memory("VmHWM") - before)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
