"""Accounts of Teams found by their addresses, and guests invited and deleted again."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.calls import Call, Response
from connectors.contract import Request
from connectors.errors import Gone, Reconnect, Refused, Unavailable
from connectors.http import Outgoing
from connectors.messages import Account, AccountId
from connectors.provisioning import Found, ProvisionsAccounts
from connectors.teams import provisioning
from connectors.teams.connector import Teams
from connectors.teams.sandbox import GUEST, SERVICE_USER
from connectors.teams.sandbox_entra import Grant
from connectors.teams.scopes import APP, SERVICE
from tests.connectors.teams.test_directory import Hub

ANN, GUS = "ann@acme.example", "gus@partner.example"
NOBODY = Response(200, b'{"value": []}')


@pytest.fixture
def hub() -> Hub:
    return Hub()


def look_up(hub: Hub, *emails: str) -> dict[str, Found]:
    return hub.run(hub.teams.look_up(emails))


def invite(hub: Hub, email: str = GUS, name: str = "Gus Green") -> Account:
    return hub.run(hub.teams.provision(email, name))


def written(hub: Hub) -> list[Outgoing]:
    return [one for one in hub.sent if one.method != "GET"]


# Found by address


def test_an_address_finds_its_account_whatever_its_case(hub: Hub) -> None:
    ann = Found(Account(hub.id_of("Ann Moreau"), "Ann Moreau", ANN))
    assert look_up(hub, "Ann@ACME.example", "nobody@acme.example") == {ANN: ann}
    assert len(hub.sent) == 2


def test_all_found_by_their_mail_are_found_at_once(hub: Hub) -> None:
    many = [hub.fake.add_person(f"Number {n}", f"n{n}@acme.example") for n in range(15)]
    found = look_up(hub, *(f"n{n}@acme.example" for n in range(15)))
    assert {one.account.id for one in found.values()} == {one.id for one in many}
    assert len(hub.sent) == 1


def test_as_many_as_are_promised_fit_one_question(hub: Hub) -> None:
    many = [f"o'hara{n}@nowhere.example" for n in range(Teams.most_looked_up)]
    assert look_up(hub, *many) == {}
    hub.fake.add_person("Oona O'Hara", many[3])
    assert list(look_up(hub, *many)) == [many[3]]


def test_an_account_without_a_mailbox_is_found_by_its_alias(hub: Hub) -> None:
    ann, dev = hub.id_of("Ann Moreau"), hub.id_of("Dev Patel")
    hub.fake.graph.people.unmailed.add(ann)
    hub.fake.graph.people.aliases[dev] = ["D.Patel@acme.example"]
    found = look_up(hub, ANN, "d.patel@acme.example")
    assert {address: one.account.id for address, one in found.items()} == {ANN: ann, "d.patel@acme.example": dev}
    assert found["d.patel@acme.example"].account.email == "dev@acme.example"


def test_who_has_no_licence_or_may_not_sign_in_cannot_chat(hub: Hub) -> None:
    ann, dev = hub.id_of("Ann Moreau"), hub.id_of("Dev Patel")
    hub.fake.graph.people.unlicensed.add(ann)
    hub.fake.graph.people.disabled.add(dev)
    found = look_up(hub, ANN, "dev@acme.example", "elif@acme.example")
    licensed = {address: one.is_licensed for address, one in found.items()}
    assert licensed == {ANN: False, "dev@acme.example": False, "elif@acme.example": True}
    assert found["dev@acme.example"].account.is_deleted


def test_a_guest_needs_no_licence(hub: Hub) -> None:
    [found] = look_up(hub, GUEST[1]).values()
    assert found.is_licensed
    assert found.account.is_guest


@pytest.mark.parametrize("states", [[], ["Suspended"], ["Deleted", "LockedOut"], [None], [7]])
def test_a_plan_that_cannot_be_used_is_no_licence(states: list[object]) -> None:
    assert not found_of(plans=[{"service": "TeamspaceAPI", "capabilityStatus": state} for state in states]).is_licensed


@pytest.mark.parametrize("states", [["Enabled"], ["Warning"], ["Deleted", "Enabled"]])
def test_a_plan_in_its_period_of_grace_is_a_licence(states: list[object]) -> None:
    assert found_of(plans=[{"service": "TeamspaceAPI", "capabilityStatus": state} for state in states]).is_licensed


def found_of(plans: object) -> Found:
    return answered([{"id": "a", "mail": ANN, "accountEnabled": True, "assignedPlans": plans}])[ANN]


def answered(users: object) -> dict[str, Found]:
    """What is made of an answer to the question for Ann."""
    calls = provisioning.look_up([ANN])
    next(calls)
    try:
        calls.send(Response(200, json.dumps({"value": users}).encode()))
        calls.send(NOBODY)
    except StopIteration as done:
        found: dict[str, Found] = done.value
        return found
    raise AssertionError("a third call")


def test_of_several_accounts_of_one_address_the_licensed_member_counts() -> None:
    plans = [{"service": "TeamspaceAPI", "capabilityStatus": "Enabled"}]
    users = [
        {"id": "z", "mail": ANN, "userType": "Guest"},
        {"id": "y", "mail": ANN, "userType": "Member"},
        {"id": "b", "mail": ANN, "userType": "Member", "assignedPlans": plans},
    ]
    assert answered(users)[ANN].account.id == answered(users[::-1])[ANN].account.id == "b"
    assert answered(users[:2])[ANN].account.id == "z"


@pytest.mark.parametrize(
    "user",
    [
        {},
        {"id": "a", "mail": "other@acme.example"},
        {"id": "a", "mail": 7, "proxyAddresses": 7, "assignedPlans": 7},
        {"id": "", "mail": ANN},
        {"id": "a", "userPrincipalName": ANN},
        {"id": "a", "otherMails": [ANN]},
        {"id": "a", "proxyAddresses": [f"sip:{ANN}", None, []]},
    ],
)
def test_an_account_that_does_not_have_the_address_is_not_found(user: dict[str, object]) -> None:
    assert answered([user, 7, None]) == {}


@pytest.mark.parametrize(
    "email", ["", "ann", "me", "a b@c", "a@b@c", "@b", "a@", "a@b\r\nc", "\ud800@b", f"{'a' * 254}@b"]
)
def test_what_is_no_address_is_neither_looked_up_nor_invited(hub: Hub, email: str) -> None:
    assert look_up(hub, email) == {}
    with pytest.raises(Refused, match="no e-mail address"):
        invite(hub, email)
    assert hub.sent == []


@given(st.text(max_size=40))
def test_no_address_breaks_out_of_the_question(text: str) -> None:
    calls = provisioning.look_up([f"{text}@acme.example"])
    try:
        asked = next(calls)
    except StopIteration:
        return
    condition = (asked.query or {})["$filter"]
    inside = condition.removeprefix("mail in ('").removesuffix("')")
    assert "'" not in inside.replace("''", "")
    assert " " not in inside


# Guests


def test_a_guest_is_invited_without_a_word_to_anybody(hub: Hub) -> None:
    guest = invite(hub)
    assert guest == Account(guest.id, "Gus Green", GUS, is_guest=True)
    assert look_up(hub, GUS) == {GUS: Found(guest)}
    assert hub.fake.graph.invitations.mailed == []
    assert hub.run(hub.teams.account(guest.id)) == guest


def test_a_company_that_wants_it_has_microsoft_write_in_its_own_words(hub: Hub) -> None:
    hub.run(hub.teams.provision("gia@partner.example", "Gia", "Welcome aboard."))
    assert hub.fake.graph.invitations.mailed == [("gia@partner.example", "Welcome aboard.")]


def test_a_guest_that_is_there_is_returned_and_not_invited_again(hub: Hub) -> None:
    guest = invite(hub)
    hub.sent.clear()
    assert invite(hub, GUS.upper(), "Another Name") == guest
    assert written(hub) == []


def test_inviting_twice_while_microsoft_does_not_know_the_guest_yet_makes_one(hub: Hub) -> None:
    hub.fake.graph.invitations.delay = 600
    guest = invite(hub)
    assert look_up(hub, GUS) == {}
    with pytest.raises(Gone):
        hub.run(hub.teams.account(guest.id))
    assert invite(hub) == guest
    hub.now += 601
    assert look_up(hub, GUS)[GUS].account == guest


def test_a_guest_is_added_to_a_team_once_microsoft_knows_it(hub: Hub) -> None:
    hub.fake.graph.invitations.delay = 600
    guest = invite(hub).id
    assert "not yet" in hub.run(hub.teams.add(hub.general, [guest]))[guest]
    hub.now += 601
    assert hub.run(hub.teams.add(hub.general, [guest])) == {}
    assert guest in hub.fake.roster(hub.general)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("", GUS), ("  \u202eAnn\r\nMoreau ", "Ann Moreau"), ("x" * 300, "x" * 255 + "…"), ("<b>Bob</b>", "<b>Bob</b>")],
)
def test_a_name_is_one_line_that_microsoft_takes(hub: Hub, name: str, shown: str) -> None:
    assert invite(hub, GUS, name).name == shown
    assert look_up(hub, GUS)[GUS].account.name == shown


def test_a_persons_own_account_is_never_invited(hub: Hub) -> None:
    for unlicensed in (False, True):
        if unlicensed:
            hub.fake.graph.people.unlicensed.add(hub.id_of("Ann Moreau"))
        with pytest.raises(Refused, match="account of the organisation's own"):
            invite(hub, ANN)
    assert written(hub) == []


def test_a_guest_who_is_blocked_is_refused_with_the_reason(hub: Hub) -> None:
    hub.fake.graph.people.disabled.add(invite(hub).id)
    with pytest.raises(Refused, match="blocked from signing in"):
        invite(hub)


def _nobody(hub: Hub) -> None:
    hub.fake.graph.invitations.lets_invite = False


def _no_such_domain(hub: Hub) -> None:
    hub.fake.graph.invitations.blocked_domains.add("partner.example")


def _full(hub: Hub) -> None:
    hub.fake.graph.invitations.room = 0


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (_nobody, "lets nobody invite guests"),
        (_no_such_domain, "no guests of this domain"),
        (_full, "as many accounts"),
    ],
)
def test_a_policy_that_keeps_guests_out_is_told_in_words(hub: Hub, policy: Callable[[Hub], None], reason: str) -> None:
    policy(hub)
    with pytest.raises(Refused, match=reason):
        invite(hub)


@pytest.mark.parametrize(
    ("status", "said", "error", "reason"),
    [
        (400, "This invitation is blocked by cross-tenant access settings.", Refused, "cross-tenant"),
        (400, "The invited user already exists in the directory as object ID: x", Refused, "the organisation's own"),
        (400, "Something new.", Refused, "without saying why"),
        (403, "Authorization_RequestDenied: Insufficient privileges", Reconnect, "permission"),
        (403, "Forbidden", Refused, "policy"),
        (503, "quota of something", Unavailable, "503"),
    ],
)
def test_what_microsoft_says_of_an_invitation_is_understood(
    status: int, said: str, error: type[Exception], reason: str
) -> None:
    call = Call("POST", "https://graph.microsoft.com/v1.0/invitations", judge=provisioning._judge_invitation)
    with pytest.raises(error, match=reason):
        call.judge(call, Response(status, json.dumps({"error": {"message": said}}).encode()))


@pytest.mark.parametrize("answer", ["[]", "{}", '{"invitedUser": 7}', '{"invitedUser": {"id": null}}', "no json"])
def test_an_invitation_that_names_nobody_is_tried_again(answer: str) -> None:
    calls = provisioning.provision(GUS, "Gus")
    next(calls)
    calls.send(NOBODY)
    asked = calls.send(NOBODY)
    assert asked.method == "POST"
    assert asked.repeatable
    with pytest.raises(Unavailable):
        calls.send(Response(201, answer.encode()))


# Guests deleted


def test_a_guest_is_deleted_and_leaves_its_teams(hub: Hub) -> None:
    guest = invite(hub).id
    hub.run(hub.teams.add(hub.general, [guest]))
    hub.run(hub.teams.discard(guest))
    assert look_up(hub, GUS) == {}
    assert guest not in hub.fake.roster(hub.general)


def test_a_guest_that_is_gone_is_a_success(hub: Hub) -> None:
    guest = invite(hub).id
    for _ in range(2):
        hub.run(hub.teams.discard(guest))
    assert [one.method for one in written(hub)].count("DELETE") == 1


def test_whoever_was_deleted_and_is_invited_again_is_another_account(hub: Hub) -> None:
    guest = invite(hub).id
    hub.run(hub.teams.discard(guest))
    assert invite(hub).id != guest


@pytest.mark.parametrize("account", [ANN, GUEST[1], SERVICE_USER[1], "", "a/b", "?$top=1", "../me"])
def test_what_is_no_id_deletes_nobody(hub: Hub, account: str) -> None:
    everybody = hub.everybody()
    with suppress(Refused):
        hub.run(hub.teams.discard(AccountId(account)))
    assert written(hub) == []
    assert hub.everybody() == everybody


def test_a_persons_own_account_is_never_deleted(hub: Hub) -> None:
    internal = AccountId(hub.fake.add_person("Ida Internal", "ida@acme.example", guest=True).id)
    hub.fake.graph.people.internal.add(internal)
    for account in (hub.id_of("Ann Moreau"), AccountId(hub.fake.service), internal):
        with pytest.raises(Refused, match="never deleted"):
            hub.run(hub.teams.discard(account))
    assert written(hub) == []


def test_a_service_user_without_the_role_is_told_which_one_it_needs(hub: Hub) -> None:
    guest = invite(hub).id
    hub.fake.entra.entrusted.discard(hub.fake.service)
    with pytest.raises(Refused, match="User Administrator"):
        hub.run(hub.teams.discard(guest))
    assert GUS in look_up(hub, GUS)


def test_a_permission_that_was_not_granted_is_asked_for(hub: Hub) -> None:
    guest = invite(hub).id
    hub.fake.entra.grants[hub.fake.credentials().tokens[SERVICE]] = Grant(frozenset(), hub.fake.service)
    with pytest.raises(Reconnect, match=r"User\.DeleteRestore\.All"):
        hub.run(hub.teams.discard(guest))
    hub.fake.entra.grants[hub.fake.credentials().tokens[APP]] = Grant(frozenset({"User.Read.All"}))
    with pytest.raises(Reconnect, match=r"User\.Invite\.All"):
        invite(hub, "new@partner.example")


def test_the_application_invites_and_the_service_user_deletes(hub: Hub) -> None:
    tokens = hub.fake.credentials().tokens
    hub.run(hub.teams.discard(invite(hub).id))
    told = [(one.method, one.headers["Authorization"].removeprefix("Bearer ")) for one in written(hub)]
    assert told == [("POST", tokens[APP]), ("DELETE", tokens[SERVICE])]


# The fake is as strict as Graph


def ask(hub: Hub, method: str, path: str, body: object = None, query: dict[str, str] | None = None) -> int:
    headers = {"authorization": f"Bearer {hub.fake.credentials().tokens[APP]}"}
    url, sent = f"https://graph.microsoft.com/v1.0{path}", json.dumps(body).encode()
    return hub.fake.handle(Request(method, url, headers, query or {}, sent)).status


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "mail in ()",
        "mail in ('a' or 'b')",
        "mail in ('a'b')",
        "userPrincipalName in ('a')",
        f"mail in ({','.join(repr(str(n)) for n in range(16))})",
        " or ".join(f"proxyAddresses/any(p:p eq 'smtp:{n}')" for n in range(16)),
        "proxyAddresses/any(p:p eq 'a') and proxyAddresses/any(p:p eq 'b')",
    ],
)
def test_a_filter_that_graph_does_not_take_is_refused(hub: Hub, condition: str) -> None:
    assert ask(hub, "GET", "/users", query={"$filter": condition}) == 400


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"invitedUserEmailAddress": GUS},
        {"invitedUserEmailAddress": "gus", "inviteRedirectUrl": "https://x.example"},
        {"invitedUserEmailAddress": ANN, "inviteRedirectUrl": "https://x.example"},
        {"invitedUserEmailAddress": GUS, "inviteRedirectUrl": "https://x.example", "invitedUserType": "Member"},
    ],
)
def test_an_invitation_that_graph_does_not_take_is_refused(hub: Hub, body: object) -> None:
    assert ask(hub, "POST", "/invitations", body) == 400


def test_teams_makes_guests(hub: Hub) -> None:
    assert isinstance(hub.teams, ProvisionsAccounts)
    assert Teams.makes == "guest"
