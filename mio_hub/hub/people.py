"""User Sync: everybody in one table, who they are, and what represents them where."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import account_policy, people_list, placing, tenant_settings, user_sync
from accounts.access import May, tenant_of, tenant_page
from accounts.members import NotPossible
from accounts.models import AccountPolicy, Installation, Person, PlatformAccount, SyncRun
from accounts.people_list import START, Place
from mio_hub.hub.asking import ASKING, done
from mio_hub.hub.people_file import SHOWN_PROBLEMS, lines, read
from mio_hub.hub.people_forms import AssignForm, BulkForm, ExceptionForm, FileForm, PeopleFilter, RuleForm
from mio_hub.hub.spreadsheet import download

MOST_CHOSEN = 500
"""People chosen one by one; more are chosen by a filter."""
UNMATCHED = 50
"""Accounts of nobody on a page."""


@require_safe
@tenant_page()
def page(request: HttpRequest) -> HttpResponse:
    tenant = tenant_of(request)
    form, after = PeopleFilter(tenant, request.GET), _after(request)
    rows, more = people_list.page(tenant, form.wanted, after)
    kept = form.wanted.told()
    shown = {
        "filter": form,
        "bulk": BulkForm(tenant, initial={"deed": "sync"}) if rows else None,
        "rows": rows,
        "kept": kept,
        "is_later_page": after != START,
        "first": urlencode(kept),
        "more": urlencode({**kept, "key": more[0], "id": more[1]}) if more else "",
        "runs": SyncRun.objects.filter(tenant=tenant, state__in=user_sync.ACTIVE).order_by("-pk")[:3],
    }
    return render(request, "hub/people/page.html", shown)


def _after(request: HttpRequest) -> Place:
    number = request.GET.get("id", "")
    return (request.GET.get("key", "").replace("\x00", "")[:300], int(number[:18])) if number.isdecimal() else START


@require_safe
@tenant_page()
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Everybody whom the table would show, as CSV."""
    tenant = tenant_of(request)
    return download("people", lines(tenant, PeopleFilter(tenant, request.GET).wanted))


@require_POST
@tenant_page()
def plan(request: HttpRequest) -> HttpResponse:
    """Have it planned to sync or unsync those chosen, or all who match."""
    tenant = tenant_of(request)
    deed, on, one = (*request.POST.get("one", "").split(":"), "", "", "")[
        :3
    ]  # the button of one person on one platform
    given = {"deed": deed, "on": [on]} if one else request.POST
    form = BulkForm(tenant, given)
    chosen = (
        [int(one[:18])]
        if one.isdecimal()
        else [int(one[:18]) for one in request.POST.getlist("person") if one.isdecimal()][:MOST_CHOSEN]
    )
    back = redirect("hub:people", tenant.key)
    if not form.is_valid():
        messages.error(request, "Choose what to do, and on which platforms. Nothing was changed.")
        return back
    who = PeopleFilter(tenant, request.POST).wanted if form.cleaned_data["everybody"] else chosen
    if who == []:
        messages.error(request, "Choose at least one person. Nothing was changed.")
        return back
    run = user_sync.begin(tenant, form.cleaned_data["deed"], form.cleaned_data["on"], who, request)
    return redirect("hub:sync_run", tenant.key, run.pk)


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def upload(request: HttpRequest) -> HttpResponse:
    """A file makes a plan; nothing is changed by it alone."""
    tenant, form, problems = tenant_of(request), FileForm(request.POST or None, request.FILES or None), []
    if request.method == "POST" and form.is_valid():
        found = read(tenant, form.cleaned_data["file"].read())
        if found.changes:
            run = user_sync.begin_with(tenant, found.changes, request)
            return redirect("hub:sync_run", tenant.key, run.pk)
        problems = found.problems or ["The file asks for nothing."]
    shown = {"form": form, "problems": problems[:SHOWN_PROBLEMS], "more": len(problems) - SHOWN_PROBLEMS}
    return render(request, "hub/people/upload.html", shown)


# --- Who somebody is


@require_http_methods(ASKING)
@tenant_page()
def person(request: HttpRequest, person: int) -> HttpResponse:
    """Somebody with their accounts; posted to, their primary platform is chosen."""
    tenant = tenant_of(request)
    row = get_object_or_404(Person, pk=person, tenant=tenant)
    if request.method == "POST":
        number = request.POST.get("primary", "")
        place = Installation.objects.filter(tenant=tenant, pk=int(number[:18]) if number.isdecimal() else 0).first()

        def act() -> str:
            if place is None:
                raise NotPossible("Choose one of the platforms. Nothing was changed.")
            placing.choose_primary(row, place, request)
            return f"{row.name} uses {place} first."

        return done(request, act, _back(request, row))
    shown = {"row": people_list.rows(tenant, [row.pk])[0], "accounts": _accounts(row)}
    return render(request, "hub/people/person.html", shown)


def _back(request: HttpRequest, row: Person) -> str:
    name, arguments = ("person", [row.pk]) if "here" in request.POST else ("people", [])
    return reverse(f"hub:{name}", args=[tenant_of(request).key, *arguments])


def _accounts(row: Person) -> list[PlatformAccount]:
    accounts = PlatformAccount.objects.filter(person=row, is_deleted=False).select_related("installation")
    return list(accounts.order_by("installation__platform", "pk"))


@require_safe
@tenant_page()
def unmatched(request: HttpRequest) -> HttpResponse:
    """Accounts of nobody: without an address, or split off."""
    tenant, after = tenant_of(request), request.GET.get("after", "")
    rows = PlatformAccount.objects.filter(
        installation__tenant=tenant, person=None, is_bot=False, is_deleted=False
    ).select_related("installation")
    if after.isdecimal():
        rows = rows.filter(pk__gt=int(after[:18]))
    found = list(rows.order_by("pk")[: UNMATCHED + 1])
    shown = {"accounts": found[:UNMATCHED], "more": found[UNMATCHED - 1].pk if len(found) > UNMATCHED else ""}
    return render(request, "hub/people/unmatched.html", shown)


@require_http_methods(ASKING)
@tenant_page(read=May.CHANGE)
def assign(request: HttpRequest, account: int) -> HttpResponse:
    """Say whose account it is."""
    tenant = tenant_of(request)
    row = get_object_or_404(PlatformAccount, pk=account, installation__tenant=tenant)
    form = AssignForm(tenant, request.POST or None)
    if request.method == "POST" and form.is_valid():
        placing.assign(row, form.cleaned_data["email"], request)
        messages.success(request, f"{row.name} is an account of {form.cleaned_data['email']}.")
        return redirect("hub:unmatched", tenant.key)
    return render(request, "hub/people/assign.html", {"account": row, "form": form})


@require_POST
@tenant_page()
def split(request: HttpRequest, account: int) -> HttpResponse:
    """Say that an account is not this person's."""
    tenant = tenant_of(request)
    row = get_object_or_404(
        PlatformAccount.objects.select_related("person", "installation"), pk=account, installation__tenant=tenant
    )

    def act() -> str:
        placing.split(row, request)
        return f"The account {row.name} stands alone now. You find it among the accounts of nobody."

    then = (
        reverse("hub:person", args=[tenant.key, row.person_id])
        if row.person_id
        else reverse("hub:people", args=[tenant.key])
    )
    return done(request, act, then)


# --- By what they are represented


@require_http_methods(ASKING)
@tenant_page()
def policy(request: HttpRequest) -> HttpResponse:
    """The rule, and its exceptions."""
    tenant = tenant_of(request)
    form = RuleForm(request.POST or None, instance=tenant)
    if request.method == "POST" and form.is_valid():
        tenant_settings.change(tenant, form.cleaned_data, request)
        messages.success(request, "Saved. It holds for plans made from now on.")
        return redirect("hub:account_policy", tenant.key)
    return _policy(request, form, ExceptionForm())


def _policy(request: HttpRequest, form: RuleForm, exception: ExceptionForm) -> HttpResponse:
    policies = tenant_of(request).account_policies.order_by("place", "pk")
    return render(request, "hub/people/policy.html", {"form": form, "exception": exception, "policies": policies})


@require_POST
@tenant_page()
def except_(request: HttpRequest) -> HttpResponse:
    tenant, form = tenant_of(request), ExceptionForm(request.POST)
    try:
        if form.is_valid():
            account_policy.add(tenant, **form.cleaned_data, request=request)
            return redirect("hub:account_policy", tenant.key)
    except NotPossible as problem:
        form.add_error("value", str(problem))
    return _policy(request, RuleForm(instance=tenant), form)


@require_POST
@tenant_page()
def unexcept(request: HttpRequest, policy: int) -> HttpResponse:
    row = get_object_or_404(AccountPolicy, pk=policy, tenant=tenant_of(request))
    account_policy.move_up(row, request) if "up" in request.POST else account_policy.remove(row, request)
    return redirect("hub:account_policy", tenant_of(request).key)
