"""Reading a page in tests."""

from typing import Any

from asgiref.sync import async_to_sync


def page_text(page: Any) -> str:
    """What a page says, also where it is sent in pieces by an asynchronous view."""

    async def gathered() -> bytes:
        return b"".join([piece async for piece in page])

    return (async_to_sync(gathered)() if page.streaming else page.content).decode()
