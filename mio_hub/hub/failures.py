"""The failures: what could not be delivered, why, and what is to become of it."""

from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import connectors
from accounts.access import May, tenant_of, tenant_page
from connectors.messages import Kind
from mio_hub.hub.asking import ASKING, Question, ask, done
from mio_hub.hub.failure_forms import FailureFilter
from relay import deciding, failures
from relay.failures import LOOKED_THROUGH, What
from relay.models import Decision, Delivery
from relay.tasks import carry_out_decision

PAGE = 50
"""Failures shown at a time: two or three screens."""

Act = Decision.Act

KINDS = {
    Kind.POSTED: "New message",
    Kind.EDITED: "Edit",
    Kind.CHANGED: "Edit or reaction",
    Kind.DELETED: "Deletion",
    Kind.REACTED: "Reaction",
    Kind.UNREACTED: "Reaction taken back",
    Kind.NOTICE: "News of the channel",
}
"""What was to be delivered, in a word."""

ABOUT = {
    What.KEPT: "These could not be delivered. Nothing is lost: each is kept until you have it tried again or let it go.",
    What.WAITING: "These wait because of trouble at a platform, with everything behind them in the same channel. They are "
    "tried again by themselves, for a day.",
    What.GIVEN_UP: "These will not be delivered any more, unless you have them tried again.",
}

RETRY = (
    "Messages come back from the platform where they were written: what was deleted there meanwhile cannot be delivered.",
    "What came after them in the same channel was not held up, so they will stand below it.",
    "Nothing is delivered twice. What belongs to a channel that is paused, archived or unsynced stays on the list.",
)
SKIP = (
    "They will not be delivered. On the platform where they were written nothing changes.",
    "What is being sent at this very moment may still arrive.",
)


@require_safe
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    tenant, form = tenant_of(request), FailureFilter(request.GET)
    matching = failures.matching(tenant, form.wanted)
    before = request.GET.get("before", "")
    rows = failures.shown(matching, int(before[:18]) if before.isdecimal() else None, PAGE + 1)
    reasons = failures.reasons(matching)
    form.offer([reason for reason, _ in reasons])
    what = What(form.wanted.get("what") or What.KEPT)
    shown = {
        "filter": form,
        "failures": [_told(row) for row in rows[:PAGE]],
        "reasons": [(reason, many, form.query(reason=reason)) for reason, many in reasons],
        "total": sum(many for _, many in reasons),
        "most": LOOKED_THROUGH,
        "about": ABOUT[what],
        "can_retry": what != What.WAITING,
        "can_skip": what != What.GIVEN_UP,
        "is_filtered": bool(form.wanted),
        "is_later_page": bool(before),
        "query": form.query(),
        "older": form.query(before=rows[PAGE - 1].pk) if len(rows) > PAGE else "",
        "decisions": tenant.decisions.filter(ended_at=None).order_by("-pk")[:PAGE],
    }
    return render(request, "hub/failures.html", shown)


def _told(row: Delivery) -> dict[str, Any]:
    """A failure as the page shows it: who was to hear from where, and why that was not to be."""
    label = {each.platform.slug: each.platform.label for each in connectors.everyone()}
    return {
        "pk": row.pk,
        "at": row.created_at,
        "channel": str(row.link),
        "source": label[row.event.installation.platform],
        "target": label[row.link.installation.platform],
        "kind": KINDS.get(Kind(row.event.kind), "Something"),
        "reason": row.reason,
    }


@require_POST
@tenant_page()
def retry(request: HttpRequest, failure: int) -> HttpResponse:
    return _one(request, failure, Act.RETRY, "It is tried again now: give it a few seconds.")


@require_POST
@tenant_page()
def skip(request: HttpRequest, failure: int) -> HttpResponse:
    return _one(request, failure, Act.SKIP, "It is let go and will not be delivered.")


def _one(request: HttpRequest, failure: int, act: Act, said: str) -> HttpResponse:
    rows = failures.of(tenant_of(request)).select_related("link__installation__tenant")
    delivery = get_object_or_404(rows, pk=failure)

    def decide() -> str:
        deciding.decide_one(delivery, act, request)
        return said

    return done(request, decide, _back(request))


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def retry_all(request: HttpRequest) -> HttpResponse:
    return _all(request, Act.RETRY, "Try {} again", RETRY)


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def skip_all(request: HttpRequest) -> HttpResponse:
    return _all(request, Act.SKIP, "Let {} go", SKIP)


def _all(request: HttpRequest, act: Act, title: str, consequences: tuple[str, ...]) -> HttpResponse:
    form = FailureFilter(request.GET)
    if request.method == "POST":
        return done(request, lambda: _decided(request, act, form), _back(request))
    many = failures.matching(tenant_of(request), form.wanted)[: LOOKED_THROUGH + 1].count()
    told = f"more than {intcomma(LOOKED_THROUGH)}" if many > LOOKED_THROUGH else intcomma(many)
    tone = "danger" if act == Act.SKIP else "accent"
    heading = title.format(f"{told} failure{'' if many == 1 else 's'}")
    return ask(request, Question(heading, consequences, heading, _back(request), tone))


def _decided(request: HttpRequest, act: Act, form: FailureFilter) -> str:
    decision = deciding.decide_all(tenant_of(request), act, form.wanted, request)
    carry_out_decision.delay_on_commit(decision.pk)
    return "Under way. Large numbers take some minutes; the audit log says when it is done, and how many there were."


def _back(request: HttpRequest) -> str:
    form = FailureFilter(request.GET)
    return f"{reverse('hub:failures', args=[tenant_of(request).key])}?{form.query()}"
