"""The envelope in which the fake Slack sends an event to our app (reference §2.3)."""

from connectors.sandbox import digest
from connectors.slack.sandbox_company import Workspace
from connectors.slack.sandbox_records import Object
from connectors.slack.sandbox_tokens import FAREWELLS


def envelope(workspace: Workspace, event: Object, hearer: str) -> Object:
    """``event`` as it is told for one user: ``hearer``, or our app's own where that is empty."""
    workspace.counter += 1
    now = workspace.clock()
    event_id = "Ev" + digest(str(now), str(workspace.counter), event["type"])[:10].upper()
    outer: Object = {"token": "legacy", "team_id": workspace.team, "api_app_id": workspace.app_id, "event": event}
    outer |= {"type": "event_callback", "event_id": event_id, "event_time": int(now)}
    if event["type"] in FAREWELLS:
        return outer
    told: Object = {"enterprise_id": None, "team_id": workspace.team, "user_id": hearer or workspace.bot_user}
    told |= {"is_bot": not hearer, "is_enterprise_install": False}
    return outer | {"authorizations": [told], "is_ext_shared_channel": False}
