"""The document for programs, and the same as a page to read. Everybody may see both: they hold nobody's data."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Scope, WebhookEvent
from mio_hub.api.entering import OFTEN
from mio_hub.api.schema import document as made


@require_safe
def document(request: HttpRequest) -> HttpResponse:
    return JsonResponse(made(), content_type="application/vnd.oai.openapi+json;version=3.1")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    shown = {
        "groups": _groups(),
        "objects": [_object(name, each) for name, each in sorted(made()["components"]["schemas"].items())],
        "scopes": Scope.choices,
        "events": WebhookEvent.choices,
        "often": OFTEN.requests,
    }
    return render(request, "public/api.html", shown)


def _groups() -> dict[str, list[dict[str, Any]]]:
    """The operations by what they are about, as the page shows them."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for operation in _operations():
        groups.setdefault(operation["tags"][0].replace("-", " ").capitalize(), []).append(operation)
    return groups


def _operations() -> Iterator[dict[str, Any]]:
    for path, methods in made()["paths"].items():
        for method, operation in methods.items():
            [needs] = operation["security"]
            yield operation | {
                "path": path,
                "method": method.upper(),
                "scope": needs["token"][0],
                "answers": [(code, each["description"]) for code, each in operation["responses"].items()],
                "parameters": [each | {"values": _values(each["schema"])} for each in operation.get("parameters", ())],
                "returns": _name(next(iter(operation["responses"]["200"]["content"].values()))["schema"]),
                "takes": _name(_body(operation)),
            }


def _body(operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    schema: dict[str, Any] = content.get("application/json", {}).get("schema", {})
    return schema


def _object(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    fields = [
        {"name": field, "type": _type(each), "description": each.get("description", ""), "refers": _name(each)}
        for field, each in schema.get("properties", {}).items()
    ]
    return {"name": name, "fields": fields, "description": schema.get("description", ""), "values": _values(schema)}


def _values(schema: dict[str, Any]) -> str:
    return ", ".join(str(each) for each in schema.get("enum", ()))


def _type(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "")
    return " or ".join(kind) if isinstance(kind, list) else kind


def _name(schema: dict[str, Any]) -> str:
    """The object that a schema refers to, itself or in a list; empty where there is none."""
    inside = schema.get("items", schema)
    for each in (inside, *inside.get("allOf", ()), *inside.get("oneOf", ())):
        if "$ref" in each:
            return str(each["$ref"]).rpartition("/")[2]
    return ""
