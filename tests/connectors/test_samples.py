"""Every sample file of every platform is a test: step 0 of adding a platform is its samples."""

import pytest
from hypothesis import given

from connectors import get, slugs
from connectors.messages import Deleted, Edited, Posted, Reacted, Stands, Unreacted
from connectors.richtext import Document, document
from tests.connectors.documents import documents, patient
from tests.connectors.samples import (
    Sample,
    dump_blocks,
    dump_event,
    load_blocks,
    load_draft,
    load_event,
    load_reference,
    samples,
)


def by_id(sample: Sample) -> str:
    return sample.id


@pytest.mark.parametrize("sample", [*samples("heard")], ids=by_id)
def test_a_heard_message_is_read_as_its_sample_says(sample: Sample) -> None:
    reference = load_reference(sample.data["reference"])
    event = get(sample.slug)(sample.credentials).parse(sample.data["content"], reference)
    assert dump_event(event) == load_event(sample.data["event"])
    match event:
        case Posted(message) | Edited(message) | Stands(message):
            assert (message.conversation, message.id) == (reference.conversation, reference.message)
            assert message.body == document(message.body.blocks, message.body.degraded), "normal form"
        case Deleted(message_id) | Reacted(message_id) | Unreacted(message_id):
            assert message_id == reference.message


@pytest.mark.parametrize("sample", [*samples("said")], ids=by_id)
def test_a_draft_is_written_as_its_sample_says(sample: Sample) -> None:
    draft = load_draft(sample.data["draft"])
    rendered = get(sample.slug)(sample.credentials).render(draft)
    assert rendered.payload == sample.data["payload"]
    assert (rendered.conversation, rendered.nonce) == (draft.conversation, draft.nonce)


FEWEST = 40
"""Samples of each way: fewer cannot hold the constructs and traps that every platform's documentation lists."""


@pytest.mark.parametrize("way", ["heard", "said"])
@pytest.mark.parametrize("slug", slugs())
def test_every_platform_brings_samples_of_both_ways(slug: str, way: str) -> None:
    assert sum(sample.slug == slug for sample in samples(way)) >= FEWEST


@pytest.mark.parametrize("sample", [*samples("heard"), *samples("said")], ids=by_id)
def test_a_sample_says_what_it_is_about(sample: Sample) -> None:
    assert sample.data["about"].strip()


@patient
@given(documents())
def test_the_sample_form_loses_nothing(body: Document) -> None:
    assert load_blocks(dump_blocks(body.blocks)) == body.blocks
