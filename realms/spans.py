"""Spans of time that a realm's settings give as numbers."""

from datetime import timedelta

from django.db.models import DurationField, ExpressionWrapper, F, Value
from django.db.models.expressions import CombinedExpression


def span(column: str, unit: timedelta) -> ExpressionWrapper[CombinedExpression]:
    """Return the duration of as many units as `column` says, for use in a query."""
    one = Value(unit, output_field=DurationField())
    return ExpressionWrapper(F(column) * one, output_field=DurationField())
