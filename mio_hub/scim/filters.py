"""What a filter of SCIM asks for, as a condition of the database. What identity providers send, and no more."""

from collections.abc import Mapping
from uuid import UUID

from django.db.models import Q
from scim2_models import InvalidFilterException
from scim2_models.path import AttrPath, Comparison, FilterNode, FilterVisitor, LogicalExpr, LogicalOperator, ValuePath

LONGEST = 1000
"""Characters of a filter: an address and an id or two, many times over."""

LOOKUPS = {"eq": "exact", "co": "contains", "sw": "startswith"}

USERS = {
    "id": "key",
    "username": "lower_user_name",
    "externalid": "external_id",
    "displayname": "lower_name",
    "emails": "lower_email",
    "emails.value": "lower_email",
    "active": "is_active",
}
"""By attribute, what it is in the database. ``lower_…`` compares without regard to capitals."""

GROUPS = {
    "id": "key",
    "displayname": "lower_name",
    "externalid": "external_id",
    "members": "scim_members__user__key",
    "members.value": "scim_members__user__key",
}


class Conditions(FilterVisitor[Q]):
    """Makes a condition of a filter that was parsed. ``within`` is the attribute in whose brackets it is."""

    def __init__(self, columns: Mapping[str, str], within: str = "") -> None:
        self._columns, self._within = columns, within

    def visit_comparison(self, node: Comparison) -> Q:
        column, lookup = self._column(node.attr_path), LOOKUPS.get(node.op)
        if lookup is None:
            raise _cannot(f"compare by “{node.op}”")
        if column == "is_active":
            return Q(is_active=node.value) if lookup == "exact" and isinstance(node.value, bool) else _never(node)
        if not isinstance(node.value, str) or "\0" in node.value:
            raise _cannot("compare with that")
        if column.endswith("key"):
            return _of_key(column, node.value) if lookup == "exact" else _never(node)
        return Q(**{f"{column}__{lookup}": node.value.lower() if column.startswith("lower_") else node.value})

    def visit_logical_expr(self, node: LogicalExpr) -> Q:
        made = Q()
        for term in node.terms:
            each = self.visit(term)
            made = made & each if node.op == LogicalOperator.and_ else made | each
        return made

    def visit_value_path(self, node: ValuePath) -> Q:
        if self._within or node.sub_attr:
            raise _cannot("look so deep")
        return Conditions(self._columns, f"{node.attr_path.attr}.").visit(node.val_filter)

    def visit_present(self, node: FilterNode) -> Q:
        raise _cannot("ask for what is present")

    def visit_not(self, node: FilterNode) -> Q:
        raise _cannot("turn a condition round")

    def _column(self, path: AttrPath) -> str:
        name = self._within + path.attr + (f".{path.sub_attr}" if path.sub_attr else "")
        column = self._columns.get(name.lower())
        if column is None:
            raise _cannot(f"look for “{name}”")
        return column


def _of_key(column: str, value: str) -> Q:
    try:
        return Q(**{column: UUID(value)})
    except ValueError:
        return Q(pk__in=[])


def _never(node: Comparison) -> Q:
    raise _cannot(f"compare “{node.attr_path}” so")


def _cannot(what: str) -> InvalidFilterException:
    return InvalidFilterException(detail=f"A filter cannot {what} here.")
