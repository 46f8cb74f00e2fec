"""Pictures among the files that people share: those that every browser draws and no browser runs."""

from mio_hub.sandbox.deeds import Scene
from mio_hub.sandbox.faults import Invalid

LARGEST = 4 * 1024 * 1024
"""Bytes; a page shows a few dozen pictures, straight from the memory of the fakes."""

_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def picture(scene: Scene) -> tuple[str, bytes]:
    """Type and bytes of the file ``number`` (from 0) of a message. Raises ``Invalid`` for what is no picture."""
    wanted = (scene.message.id, scene.given("number"), scene.given("name"))
    shown = scene.fake.shown(scene.conversation)
    places = [(each.id, str(number), name) for each in shown for number, name in enumerate(each.files)]
    files = zip(places, scene.fake.files(scene.conversation), strict=False)  # a fake may have forgotten old ones
    data = next((data for place, (name, data) in files if place == wanted and name == wanted[2]), b"")
    if isinstance(data, bytes) and len(data) <= LARGEST:
        for beginning, kind in _BEGINNINGS.items():
            if data.startswith(beginning):
                return kind, data
    raise Invalid("number", "there is no such picture")
