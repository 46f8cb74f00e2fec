"""Roles and permissions: who may do what in a tenant."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import inviting, members
from accounts.access import May, membership_of, tenant_of, tenant_page
from accounts.models import Invitation, Membership
from mio_hub.hub.asking import ASKING, Question, ask, done
from mio_hub.hub.forms import InvitationForm, RoleForm

NOT_SENT = (
    "The invitation of {} is on the list, but its e-mail could not be sent. Send it again in a while; if that fails too, "
    "ask whoever runs this Hub to look at its mail server."
)


@require_safe
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    tenant = tenant_of(request)
    shown = {
        "members": tenant.memberships.select_related("user").order_by("user__email", "pk"),
        "invitations": tenant.invitations.select_related("invited_by").order_by("email"),
    }
    return render(request, "hub/members.html", shown)


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def invite(request: HttpRequest) -> HttpResponse:
    form = InvitationForm(membership_of(request), request.POST or None)
    if form.is_valid():
        return _invited(request, form.cleaned_data["email"], form.cleaned_data["role"])
    question = Question(
        "Invite somebody",
        (
            "They get an e-mail with a link that is good once, for four days. Nothing is shown to them before they join.",
        ),
        "Send the invitation",
        _list(request),
    )
    return ask(request, question, form)


@require_POST
@tenant_page()
def renew(request: HttpRequest, invitation: int) -> HttpResponse:
    row = get_object_or_404(Invitation, pk=invitation, tenant=tenant_of(request))
    return _invited(request, row.email, row.role)


def _invited(request: HttpRequest, email: str, role: str) -> HttpResponse:
    def act() -> str:
        if not inviting.invite(membership_of(request), email, role, request):
            raise members.NotPossible(NOT_SENT.format(email))
        return f"An invitation is on its way to {email}."

    return done(request, act, _list(request))


@require_POST
@tenant_page()
def withdraw(request: HttpRequest, invitation: int) -> HttpResponse:
    row = get_object_or_404(Invitation, pk=invitation, tenant=tenant_of(request))

    def act() -> str:
        inviting.withdraw(membership_of(request), row, request)
        return f"The invitation of {row.email} is withdrawn. The link in the e-mail no longer works."

    return done(request, act, _list(request))


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def member(request: HttpRequest, member: int) -> HttpResponse:
    row = _member(request, member)
    form = RoleForm(membership_of(request), request.POST or None, initial={"role": row.role})

    def act() -> str:
        members.change_role(membership_of(request), row, form.cleaned_data["role"], request)
        return f"{row.user.email} is now: {form.cleaned_data['role']}."

    if form.is_valid():
        return done(request, act, _list(request), request.path)
    return render(request, "hub/member.html", {"member": row, "form": form, "owner": Membership.Role.OWNER})


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def remove(request: HttpRequest, member: int) -> HttpResponse:
    row = _member(request, member)

    def act() -> str:
        members.remove(membership_of(request), row, request)
        return f"{row.user.email} is no longer a member."

    if request.method == "POST":
        return done(request, act, _list(request))
    consequences = (
        f"{row.user.email} loses access to {row.tenant} at once, also where they are signed in now.",
        "Connections they made keep working, and what they did stays in the audit log. You can invite them again.",
    )
    return ask(request, Question("Remove a member", consequences, "Remove", _list(request), "danger"))


@require_http_methods(ASKING)
@tenant_page(read=May.OWN, change=May.OWN)
def transfer(request: HttpRequest, member: int) -> HttpResponse:
    row = _member(request, member)

    def act() -> str:
        members.transfer(membership_of(request), row, request)
        return f"{row.user.email} is now an owner, and you are an administrator."

    if request.method == "POST":
        return done(request, act, _list(request))
    consequences = (
        f"{row.user.email} becomes an owner of {row.tenant}: they decide who owns it and can delete it.",
        "You become an administrator. Only an owner can make you an owner again.",
    )
    return ask(request, Question("Transfer ownership", consequences, "Transfer ownership", _list(request), "danger"))


@require_http_methods(ASKING)
@tenant_page(change=May.READ)
def leave(request: HttpRequest) -> HttpResponse:
    ours = membership_of(request)

    def act() -> str:
        members.remove(ours, ours, request)
        return f"You have left {ours.tenant}."

    if request.method == "POST":
        return done(request, act, reverse("start"), _list(request))
    consequences = (
        f"You lose access to {ours.tenant} at once. Somebody there has to invite you if you want to come back.",
        "Connections you made keep working, and what you did stays in the audit log.",
    )
    return ask(request, Question(f"Leave {ours.tenant}", consequences, "Leave", _list(request), "danger"))


def _member(request: HttpRequest, pk: int) -> Membership:
    return get_object_or_404(Membership.objects.select_related("user", "tenant"), pk=pk, tenant=tenant_of(request))


def _list(request: HttpRequest) -> str:
    return reverse("hub:members", args=[tenant_of(request).key])
