"""Reads the expressions of stream maps: which columns and functions the value of one depends on."""

from __future__ import annotations

import ast
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Collection

UNSTABLE = frozenset({"fake", "rand", "randint", "now", "utcnow", "today"})
"""Functions that return another value each time; a key made with one would never find its row again."""
WHOLE_RECORD = frozenset({"_", "record"})
"""Names of the whole record in expressions."""
CONSTANTS = frozenset({"config", "__stream_name__", "__original_stream_name__"})
"""Names that expressions may use, and that have the same value for every record."""
MODULES = frozenset({"datetime", "json"})
"""Modules that expressions may use."""


def names_in(expression: ast.AST, columns: Collection[str]) -> set[str]:
    """Return the columns that an expression reads, and the unstable functions that it uses.

    Functions such as `md5` and the modules `datetime` and `json` depend on their arguments only, and are left out. The
    whole record (`_`) counts as a name, unless one column is taken from it.

    Args:
        expression: The expression.
        columns: The stream's columns: one that is named like a module hides it.
    """
    names: set[str] = set()
    called = {id(node.func) for node in ast.walk(expression) if isinstance(node, ast.Call)}
    known: set[int] = set()
    for node in ast.walk(expression):
        column = _subscript(node)
        if column is not None:
            names.add(column[1])
            known.add(id(column[0]))
        elif isinstance(node, ast.Attribute) and node.attr in UNSTABLE:
            names.add(node.attr)
    for node in ast.walk(expression):
        if not isinstance(node, ast.Name) or id(node) in known:
            continue
        is_function = id(node) in called or (node.id in MODULES and node.id not in columns)
        if not is_function or node.id in UNSTABLE:
            names.add(node.id)
    return names


def _subscript(node: ast.AST) -> tuple[ast.Name, str] | None:
    """Return the record's name and the column of `_['column']`, or `record.column`."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        holder, column = node.value, node.slice.value
    elif isinstance(node, ast.Attribute):
        holder, column = node.value, node.attr
    else:
        return None
    if isinstance(holder, ast.Name) and holder.id in WHOLE_RECORD and isinstance(column, str):
        return holder, column
    return None


def pinned_by(condition: ast.expr) -> str | None:
    """Return the column of which a condition lets through one value alone: `column == 'x'`, or `column in ['x']`."""
    if not isinstance(condition, ast.Compare) or len(condition.ops) > 1:
        return None
    (test,), column, (value,) = condition.ops, condition.left, condition.comparators
    if isinstance(test, ast.In) and isinstance(value, ast.List | ast.Tuple | ast.Set) and len(value.elts) == 1:
        (value,) = value.elts
    elif not isinstance(test, ast.Eq):
        return None
    elif isinstance(column, ast.Constant):  # 'x' == column
        column, value = value, column
    return _column(column) if isinstance(value, ast.Constant) else None


def _column(node: ast.AST) -> str | None:
    """Return the column that an expression is and nothing more."""
    if isinstance(node, ast.Name):
        return node.id
    column = _subscript(node)
    return column[1] if column else None


def conditions_of(rule: ast.expr) -> list[ast.expr]:
    """Return the conditions that must all hold for a filter to let a record through."""
    if isinstance(rule, ast.BoolOp) and isinstance(rule.op, ast.And):
        return [condition for value in rule.values for condition in conditions_of(value)]
    return [rule]
