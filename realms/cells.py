"""What the operators' admin pages show in a cell: links, tables, times."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from django.contrib.admin.utils import quote
from django.db import models
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from realms.times import ago

Method = TypeVar("Method", bound=Callable[..., Any])


def column(**options: Any) -> Callable[[Method], Method]:
    """Describe a computed column as Unfold's `display` does, and keep its type."""
    decorated: Callable[[Method], Method] = display(**options)
    return decorated


def link_to(thing: models.Model, text: object = None) -> SafeString:
    """Return a link to the admin page of `thing`, with its name if no `text` is given."""
    options = thing._meta
    page = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[quote(str(thing.pk))])
    return format_html('<a href="{}" class="text-link">{}</a>', page, str(thing) if text is None else text)


def link_to_list(model: type[models.Model], text: object, **lookups: object) -> SafeString:
    """Return a link to the admin's list of those of `model` that match."""
    options = model._meta
    page = reverse(f"admin:{options.app_label}_{options.model_name}_changelist", query=lookups)
    return format_html('<a href="{}" class="text-link">{}</a>', page, text)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> SafeString:
    """Return an HTML table; cells that are not safe already are escaped."""
    contents = {"headers": headers, "rows": [list(row) for row in rows]}
    return render_to_string("unfold/components/table.html", {"table": contents})


def two_lines(first: object, second: object) -> SafeString:
    """Return a cell with one thing below the other, the second in a lighter colour."""
    return format_html(
        '<span class="flex flex-col text-right lg:text-left">'
        '<span>{}</span><span class="text-subtle text-xs">{}</span></span>',
        first,
        second,
    )


def time_of(field: str, description: str) -> Any:
    """Return a column that shows the time `field` of a row, relative to now."""

    @column(description=description, ordering=field)
    def shown(admin: object, row: models.Model) -> SafeString:
        return format_html('<span class="whitespace-nowrap">{}</span>', ago(getattr(row, field), "-"))

    return shown
