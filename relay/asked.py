"""Commands from where nothing crosses: a direct message with our app, a channel that is not synced.

They take no place in any order, so they do not go through the inbox: what was asked waits in the vault for a task of its own.
One that is lost is asked again by whoever asked.
"""

import hashlib

import structlog
from asgiref.sync import sync_to_async
from celery import current_app
from redis.asyncio import Redis

from accounts.connections import Connections
from accounts.matching import Directory
from connectors.contract import Envelope
from connectors.errors import ConnectorError, NotSupported
from connectors.http import Transport
from connectors.messages import Commanded, ConversationId, Kind, MessageId, Reference
from relay import vault
from relay.commands import Asked, Commands
from relay.hearing import Ear, Unheard
from relay.voices import Voices

log = structlog.get_logger(__name__)

TOLD_AGAIN_SECONDS = 600
"""How long a platform may go on telling us of the same command, having missed our answer: Slack does for five minutes."""


async def ask(redis: Redis, installation: int, envelope: Envelope) -> None:
    """Have a command answered by a worker, once however often it is told."""
    name = hashlib.sha256(f"{installation}:{envelope.event_id}".encode()).hexdigest()[:32]
    if not await redis.set(f"asked:{name}", 1, nx=True, ex=TOLD_AGAIN_SECONDS):
        return
    if envelope.content is not None:
        pipeline = redis.pipeline(transaction=False)
        vault.put(pipeline, name, envelope.content)
        await pipeline.execute()
    reference = envelope.reference
    told = (installation, name, reference.conversation, reference.message)
    await sync_to_async(current_app.send_task)("relay.tasks.answer_asked", told)


async def answer(
    redis: Redis, transport: Transport, sandbox: str, installation: int, name: str, conversation: str, message: str
) -> None:
    """Answer what waits in the vault under ``name``, or at its platform."""
    connections, directory = Connections(), Directory()
    reference = Reference(Kind.COMMAND, ConversationId(conversation), MessageId(message))
    try:
        ear = Ear(redis, connections, directory, Voices(connections, transport, sandbox), transport, sandbox)
        heard = await ear.hear(name, installation, reference)
        if isinstance(heard, Commanded):
            asked = Asked(installation, ConversationId(conversation))
            await Commands(connections, directory, transport, sandbox).obey(asked, heard)
    except (Unheard, ConnectorError, NotSupported):
        return
    except Exception as error:  # noqa: BLE001 (whatever it is, its text may hold what was asked: only its type is told)
        log.error("command stumbled", installation=installation, error=type(error).__name__)
    finally:
        await vault.drop(redis, [name])
