"""What Microsoft's consoles want to know of our app: its registration in Entra, and its package for Teams. Pure."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from connectors.consent import Paper, Preset, Purpose, Scope, wanted
from connectors.teams.scopes import APP, PERSON, SCOPES, SERVICE

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph, as registrations name it."""
IDS: Mapping[tuple[str, str], str] = {
    (APP, "Channel.ReadBasic.All"): "59a6b24b-4225-4393-8165-ebaec5f55d7a",
    (APP, "ChannelMember.Read.All"): "3b55498e-47ec-484f-8136-9013221c06a9",
    (APP, "ChannelMessage.Read.All"): "7b2449af-6ccd-4f4d-9f78-e550c193f0d1",
    (APP, "Chat.Read.All"): "6b7d71aa-70aa-4810-a8d9-5d9fb2830017",
    (APP, "GroupMember.Read.All"): "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    (APP, "Files.Read.All"): "01d4889c-1287-42c6-ac1f-5d1e02578ef6",
    (APP, "Team.ReadBasic.All"): "2280dda6-0bfd-44ee-a2f4-cb867cfc4c1e",
    (APP, "TeamMember.Read.All"): "660b7406-55f1-41ca-a0ed-0b035e182f3e",
    (APP, "User.Invite.All"): "09850681-111b-4a89-9bed-3f2cae46d706",
    (APP, "User.Read.All"): "df021288-bdef-4463-88db-98f22de89214",
    (SERVICE, "Channel.Create"): "101147cf-4178-4455-9d58-02b5c164e759",
    (SERVICE, "ChannelMember.ReadWrite.All"): "0c3e411a-ce45-4cd1-8f30-f99a3efa7b11",
    (SERVICE, "ChannelMessage.ReadWrite"): "5922d31f-46c8-4404-9eaf-2117e390a8a4",
    (SERVICE, "ChannelMessage.Send"): "ebf0f66e-9fb1-49e4-a278-222f76911cf4",
    (SERVICE, "ChannelSettings.ReadWrite.All"): "d649fb7c-72b4-4eec-b2b4-b15acf79e378",
    (SERVICE, "Chat.ReadWrite"): "9ff7295e-131b-4d94-90e1-69fde507ac11",
    (SERVICE, "Files.ReadWrite.All"): "863451e7-0667-486c-a5d6-d135439485f0",
    (SERVICE, "TeamMember.ReadWriteNonOwnerRole.All"): "2104a4db-3a2f-4ea0-9dba-143d457dc666",
    (SERVICE, "User.DeleteRestore.All"): "4bb440cd-2cf2-4f90-8004-aa2acd2537c5",
    (SERVICE, "User.Read"): "e1fe6dd8-ba31-4d61-89e7-88639da4683d",
    (SERVICE, "offline_access"): "7427e0e9-2fba-42fe-b0c0-848c9e6a8182",
    (PERSON, "Chat.ReadWrite"): "9ff7295e-131b-4d94-90e1-69fde507ac11",
    (PERSON, "User.Read"): "e1fe6dd8-ba31-4d61-89e7-88639da4683d",
    (PERSON, "offline_access"): "7427e0e9-2fba-42fe-b0c0-848c9e6a8182",
}
"""Registrations name permissions by these, one for an application's own and one for what it does for somebody."""
_KINDS = {APP: "Role", SERVICE: "Scope", PERSON: "Scope"}
_ACCENT, _WHITE, _CLEAR = b"\x5b\x5f\xc7\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x00"
_JSON = "application/json"


def papers(hub: str, preset: Preset, name: str) -> list[Paper]:
    """The two redirect addresses to copy, the registration as a file, and the package for Teams."""
    connect, sign_in = f"{hub}/connect/teams/callback/", f"{hub}/account/microsoft/login/callback/"
    access = required_access([*wanted(SCOPES, Purpose.CONNECT, preset), *wanted(SCOPES, Purpose.MESSAGES, preset)])
    registration = {
        "displayName": name,
        "signInAudience": "AzureADMultipleOrgs",
        "web": {"redirectUris": [connect, sign_in]},
        "requiredResourceAccess": access,
    }
    return [
        Paper("Redirect URI for connecting", connect.encode()),
        Paper("Redirect URI for signing in", sign_in.encode()),
        Paper("required-resource-access.json", _json(access), _JSON),
        Paper("entra-application.json", _json(registration), _JSON),
        Paper("teams-app.zip", _package(hub, name), "application/zip"),
    ]


def required_access(scopes: list[Scope]) -> list[dict[str, Any]]:
    """What ``/.default`` stands for once it is in the registration. An administrator's approval covers what people are asked
    for later as well: many organisations do not let them decide about chats on their own (reference §1.8)."""
    named = dict.fromkeys((IDS[one.token, one.name], _KINDS[one.token]) for one in scopes)
    return [{"resourceAppId": GRAPH_APP, "resourceAccess": [{"id": id_, "type": kind} for id_, kind in named]}]


def _package(hub: str, name: str) -> bytes:
    """Manifest and icons. The same app always has the same id, so that a newer package replaces an older one."""
    manifest = {
        "$schema": "https://developer.microsoft.com/en-us/json-schemas/teams/v1.16/MicrosoftTeams.schema.json",
        "manifestVersion": "1.16",
        "version": "1.0.0",
        "id": str(uuid5(NAMESPACE_URL, hub)),
        "developer": {"name": name[:32], "websiteUrl": hub, "privacyUrl": hub, "termsOfUseUrl": hub},
        "name": {"short": name[:30], "full": name[:100]},
        "description": {
            "short": "Messages across Slack, Teams, Webex and Zoom",
            "full": "Carries messages between linked channels of Slack, Microsoft Teams, Webex and Zoom Team Chat.",
        },
        "icons": {"color": "color.png", "outline": "outline.png"},
        "accentColor": "#5b5fc7",
        "staticTabs": [{"entityId": "about", "scopes": ["personal"]}],
        "validDomains": [urlsplit(hub).hostname],
    }
    files = {
        "manifest.json": _json(manifest),
        "color.png": _icon(192, _ACCENT, _WHITE),
        "outline.png": _icon(32, _CLEAR, _WHITE),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, data in files.items():
            archive.writestr(zipfile.ZipInfo(file), data, zipfile.ZIP_DEFLATED)  # of 1980: the same bytes every time
    return packed.getvalue()


def _icon(side: int, ground: bytes, ink: bytes) -> bytes:
    """A PNG of ``side`` pixels: two bars, one above the other."""
    edge, bar = side // 4, side // 12
    plain, barred = ground * side, ground * edge + ink * (side - 2 * edge) + ground * edge
    rows = [barred if min(abs(y - side // 3), abs(y - side * 2 // 3)) < bar else plain for y in range(side)]
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()
