"""A page that asks one thing before it is done, and what follows the answer."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.members import NotPossible

ASKING = ("GET", "HEAD", "POST")
"""The methods of such a page."""


@dataclass(frozen=True, slots=True)
class Question:
    """``consequences`` are sentences: what will be different, what stays. ``back`` is where "Cancel" leads."""

    title: str
    consequences: tuple[str, ...]
    submit: str
    back: str
    tone: str = "accent"


def ask(request: HttpRequest, question: Question, form: Form | None = None) -> HttpResponse:
    """Show the page. Without fields it only asks for a yes."""
    return render(request, "hub/asks.html", {"question": question, "form": form or Form()})


def done(request: HttpRequest, act: Callable[[], str], then: str, otherwise: str = "") -> HttpResponse:
    """Act, say what happened, and go on: to ``otherwise`` (the same place, if not given) where it was not possible."""
    try:
        messages.success(request, act())
    except NotPossible as problem:
        messages.error(request, str(problem))
        return redirect(otherwise or then)
    return redirect(then)
