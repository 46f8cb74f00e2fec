"""The rest of a conversation on the sandbox page, in a real browser with the whole product behind it."""

import pytest
from playwright.sync_api import Error, Locator, Page, expect

from tests.browser.looking import faults
from tests.browser.test_sandbox_page import PATIENCE, crossed, field, message, pane

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("demo")]

OTHERS = ("teams", "webex", "zoom")
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)


def say(page: Page, slug: str, text: str) -> None:
    field(page, slug).fill(text)
    field(page, slug).press("Enter")


def act(page: Page, slug: str, text: str, deed: str) -> None:
    """Once more when a message that came meanwhile has moved the others from under the pointer."""
    button = pane(page, slug).get_by_role("toolbar").get_by_role("button", name=deed)
    message(page, slug, text).hover()
    try:
        button.click(timeout=PATIENCE / 5)
    except Error:
        message(page, slug, text).hover()
        button.click()


@pytest.fixture
def said(sandbox: Page, request: pytest.FixtureRequest) -> str:
    """A message of Ann's in Slack that has crossed."""
    text = f"said for {request.node.name[:60]}"
    say(sandbox, "slack", text)
    crossed(sandbox, text, OTHERS)
    return text


def pill(page: Page, slug: str, text: str) -> Locator:
    return message(page, slug, text).locator(".pill")


def test_a_reaction_in_slack_is_seen_elsewhere_and_taken_back(sandbox: Page, said: str) -> None:
    act(sandbox, "slack", said, "React")
    sandbox.get_by_role("dialog").get_by_role("button", name="🎉").click()
    expect(pill(sandbox, "slack", said)).to_have_text("🎉 1")
    expect(pill(sandbox, "slack", said)).to_have_attribute("aria-pressed", "true")
    for slug in ("teams", "zoom"):
        expect(pill(sandbox, slug, said)).to_have_text("🎉 1", timeout=PATIENCE)
    expect(pane(sandbox, "webex").locator(".message[data-thread]", has_text="🎉")).to_be_visible(timeout=PATIENCE)
    pill(sandbox, "slack", said).click()
    for slug in ("slack", "teams", "zoom"):
        expect(pill(sandbox, slug, said)).to_have_count(0, timeout=PATIENCE)


def test_any_emoji_may_be_written_and_what_is_none_is_explained(sandbox: Page, said: str) -> None:
    for written in ("not one", ":unicorn_face:"):
        act(sandbox, "slack", said, "React")
        sandbox.get_by_label("Any other emoji").fill(written)
        sandbox.keyboard.press("Enter")
        if written == "not one":
            expect(pane(sandbox, "slack").get_by_role("alert")).to_contain_text("is not an emoji")
    expect(pill(sandbox, "slack", said)).to_have_text("🦄 1")
    expect(pane(sandbox, "slack").get_by_role("alert")).to_be_hidden()


def test_an_edit_is_seen_everywhere(sandbox: Page, said: str) -> None:
    act(sandbox, "slack", said, "Edit")
    expect(field(sandbox, "slack")).to_have_value(said)
    say(sandbox, "slack", f"{said}, corrected")
    expect(message(sandbox, "slack", f"{said}, corrected").locator(".edited")).to_be_visible()
    crossed(sandbox, f"{said}, corrected", OTHERS)
    for slug in ("slack", *OTHERS):
        expect(message(sandbox, slug, said)).to_have_count(1)


def test_an_answer_stands_in_its_thread_everywhere(sandbox: Page, said: str) -> None:
    say(sandbox, "slack", f"Something else than {said[10:]}")
    expect(message(sandbox, "slack", f"Something else than {said[10:]}")).to_be_visible()
    act(sandbox, "slack", said, "Reply")
    expect(pane(sandbox, "slack")).to_contain_text("Reply to Ann Moreau")
    say(sandbox, "slack", f"An answer to {said[10:]}")
    for slug in ("slack", *OTHERS):
        answer = message(sandbox, slug, f"An answer to {said[10:]}")
        expect(answer).to_be_visible(timeout=PATIENCE)
        root = message(sandbox, slug, said).get_attribute("data-id")
        expect(answer).to_have_attribute("data-thread", root or "nothing")
        before = answer.locator("xpath=preceding-sibling::article[1]")
        expect(before).to_have_attribute("data-id", root or "nothing")


def test_a_deleted_message_is_gone_everywhere(sandbox: Page, said: str) -> None:
    act(sandbox, "slack", said, "Delete")
    for slug in ("slack", *OTHERS):
        expect(message(sandbox, slug, said)).to_have_count(0, timeout=PATIENCE)


def test_only_ones_own_messages_can_be_changed(sandbox: Page, said: str) -> None:
    for slug, person, offered in (("slack", "Ann Moreau", 4), ("slack", "Bob Okafor", 2), ("teams", "Ann Moreau", 2)):
        pane(sandbox, slug).get_by_role("combobox").select_option(person)
        message(sandbox, slug, said).hover()
        expect(pane(sandbox, slug).get_by_role("toolbar").get_by_role("button")).to_have_count(offered)


def test_a_picture_is_shared_and_seen_elsewhere(sandbox: Page) -> None:
    file = {"name": "pixel.png", "mimeType": "image/png", "buffer": PIXEL}
    pane(sandbox, "zoom").locator("[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(field(sandbox, "zoom")).to_be_focused()
    sandbox.keyboard.press("Enter")
    for slug in ("zoom", "slack", "teams", "webex"):
        picture = pane(sandbox, slug).locator(".message", has_text="pixel.png").locator(".preview")
        expect(picture).to_be_visible(timeout=PATIENCE)
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1


def test_a_file_that_is_too_large_is_not_even_sent(sandbox: Page) -> None:
    file = {"name": "film.mov", "mimeType": "video/quicktime", "buffer": bytes(1_500_000)}
    pane(sandbox, "slack").locator("[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(pane(sandbox, "slack").get_by_role("alert")).to_have_text("film.mov has 1.4 MB; 1 MB is the most here.")


@pytest.mark.parametrize(("slug", "asked"), [("slack", "/mio help"), ("zoom", "/mio help"), ("webex", "@Message help")])
def test_the_apps_private_answer_is_seen_by_the_asker_alone(sandbox: Page, slug: str, asked: str) -> None:
    say(sandbox, slug, asked)
    private = pane(sandbox, slug).locator(".message[data-private]", has_text="You can ask me")
    expect(private.first).to_contain_text("Only you can see this", timeout=PATIENCE)
    who = pane(sandbox, slug).get_by_role("combobox")
    who.select_option(index=1)
    expect(private).to_have_count(0)
    who.select_option(index=0)
    expect(private.first).to_be_visible()


def test_the_keyboard_reaches_every_message_and_every_deed(sandbox: Page, said: str) -> None:
    say(sandbox, "slack", f"after {said}")
    expect(message(sandbox, "slack", f"after {said}")).to_be_visible()
    press = sandbox.keyboard.press
    press("ArrowUp")
    expect(message(sandbox, "slack", f"after {said}")).to_be_focused()
    press("ArrowUp")
    press("Tab")
    expect(pane(sandbox, "slack").get_by_role("button", name="React", exact=True)).to_be_focused()
    press("Enter")
    press("Enter")
    expect(message(sandbox, "slack", said).first.locator(".pill")).to_have_text("👍 1")
    press("Enter")
    expect(sandbox.get_by_role("dialog")).to_be_visible()
    press("Escape")
    expect(sandbox.get_by_role("dialog")).to_be_hidden()
    press("Tab")
    press("Enter")
    expect(pane(sandbox, "slack")).to_contain_text("Reply to Ann Moreau")
    press("Escape")
    expect(pane(sandbox, "slack").locator(".intent")).to_be_hidden()
    expect(field(sandbox, "slack")).to_be_focused()


def test_everybody_can_use_it(sandbox: Page, said: str) -> None:
    act(sandbox, "slack", said, "Reply")
    say(sandbox, "slack", f"An answer to {said[10:]}")
    say(sandbox, "slack", "/mio help")
    crossed(sandbox, f"An answer to {said[10:]}", OTHERS)
    act(sandbox, "slack", said, "React")
    sandbox.get_by_role("dialog").get_by_role("button", name="👀").click()
    expect(pill(sandbox, "slack", said).first).to_be_visible()
    expect(pane(sandbox, "slack").locator("[data-private]").first).to_be_visible(timeout=PATIENCE)
    act(sandbox, "slack", said, "React")
    assert faults(sandbox, "sandbox-deeds") == []
    assert sandbox.get_by_role("dialog").is_visible()
    moving = "document.getAnimations().filter((each) => each.playState === 'running').length"
    assert sandbox.evaluate(moving) == 0
