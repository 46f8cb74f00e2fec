"""The tests' own database, for other processes."""

from urllib.parse import quote

from django.db import connections


def address(name: str = "") -> str:
    """The URL of this process's database, or of another one on the same server."""
    here = connections["default"].settings_dict
    return f"postgresql://{here['USER']}@/{name or here['NAME']}?host={quote(str(here['HOST']), safe='')}"
