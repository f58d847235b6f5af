"""Spans of time that a realm's settings give as numbers."""

from datetime import timedelta

from django.db.models import DurationField, ExpressionWrapper, F, Value


def span(column: str, unit: timedelta) -> ExpressionWrapper:
    """Return the duration of as many units as `column` says, for use in a query."""
    one = Value(unit, output_field=DurationField())
    return ExpressionWrapper(F(column) * one, output_field=DurationField())
