"""What the operators' admin pages share: they show, search, and let the rules act.

Ids are kept as UUIDs, so that the admin's own search and filters cannot take them as people write them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib import messages as flash
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters, ShowFacets
from django.contrib.admin.utils import model_ngettext, quote
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from realms import ids
from realms.audit.actor import Actor
from realms.person import person_of
from realms.refusal import Refusal

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin
    from django.contrib.admin.views.main import ChangeList
else:
    from unfold.admin import ModelAdmin

COUNTED_ROWS = 10_000
ACTION_ROWS = 500
SEARCH_CHARACTERS = 255
NAMED_IN_A_FLASH = 3

Method = TypeVar("Method", bound=Callable[..., Any])
Row = TypeVar("Row", bound=models.Model)


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
        '<span>{}</span><span class="text-base-500 text-xs">{}</span></span>',
        first,
        second,
    )


def moment(when: datetime | None) -> str:
    """Return a time in UTC to the second, or a dash."""
    return "-" if when is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def time_of(field: str, description: str) -> Any:
    """Return a column that shows the time `field` of a row."""

    @column(description=f"{description} (UTC)", ordering=field)
    def shown(admin: object, row: models.Model) -> SafeString:
        return format_html('<span class="whitespace-nowrap">{}</span>', moment(getattr(row, field)))

    return shown


class ChoiceFilter(SimpleListFilter):
    """A filter by a column's known values: asking a big table for those it holds would read all of it.

    Attributes:
        parameter_name: the column.
        values: what to offer.
    """

    values: ClassVar[Sequence[str]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """The choices."""
        return [(value, value.capitalize()) for value in self.values]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Keep the rows with the chosen value."""
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class CappedPaginator(Paginator[Any]):
    """Counts to `COUNTED_ROWS` and no further, since counting a big table reads all of it."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or the cap."""
        rows: Any = self.object_list
        return int(rows[:COUNTED_ROWS].count())


class OperatorsAdmin(ModelAdmin[Row]):
    """An admin whose actions call rules. Nobody deletes with it.

    Attributes:
        searched_ids: the lookups that a whole id in the search box is compared with, by its prefix.
        linked_lookups: lookups that the query string may have besides those of `list_filter`.
    """

    searched_ids: ClassVar[Mapping[str, Sequence[str]]] = {}
    linked_lookups: ClassVar[Sequence[str]] = ("realm__id__exact",)

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        """Tell whether the person may use the actions, even where nothing can be edited."""
        return ModelAdmin.has_change_permission(self, request, obj)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow what the page itself links to.

        Django lets the query string ask for any column, which would answer guesses about a payload.
        """
        asked = [getattr(name, "parameter_name", name) for name in self.list_filter]
        return lookup in self.linked_lookups or lookup.split("__")[0] in asked

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        """Show or save a row; what a rule refuses is not saved, and said."""
        try:
            return super().changeform_view(request, *args, **options)
        except Refusal as refusal:
            flash.error(request, refusal.detail)
            return redirect(request.get_full_path())

    def get_changelist_instance(self, request: HttpRequest) -> "ChangeList":
        """Read the rows here, where a value that no column can hold still leads back to the plain list."""
        # What is searched for has its own check, which says what is wrong.
        if any("\0" in "".join(values) for name, values in request.GET.lists() if name != SEARCH_VAR):
            raise IncorrectLookupParameters
        try:
            page = super().get_changelist_instance(request)
            len(page.result_list)
        except (ValidationError, ValueError, OverflowError) as error:
            raise IncorrectLookupParameters from error
        return page

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Row], search_term: str
    ) -> tuple[models.QuerySet[Row], bool]:
        """Find by a whole id, else by `search_fields`."""
        text = search_term.strip()
        if len(text) > SEARCH_CHARACTERS or "\0" in text:
            return queryset.none(), False
        for prefix, lookups in self.searched_ids.items():
            if canonical := ids.parse_id(prefix, text):
                either = models.Q.create([(name, canonical) for name in lookups], connector=models.Q.OR)
                return queryset.filter(either), False
        return super().get_search_results(request, queryset, text)

    def response_action(
        self, request: HttpRequest, queryset: models.QuerySet[Row], *args: Any, **options: Any
    ) -> HttpResponse | None:
        """Refuse a selection of what cannot be an id, which Django would hand to the database."""
        try:
            for selected in request.POST.getlist("_selected_action"):
                self.opts.pk.clean(selected, None)
        except ValidationError:
            flash.error(request, "The selection names something that is not an id. Nothing was changed.")
            return None
        return super().response_action(request, queryset, *args, **options)

    def carry_out(
        self,
        request: HttpRequest,
        queryset: models.QuerySet[Row],
        rule: Callable[[Row, Actor], object],
        *,
        done: str,
    ) -> None:
        """Call `rule` for each row, and tell the operator and the history what became of it.

        Args:
            rule: gets the row, and the person for the audit log.
            done: the participle of what the rule does, such as `revoked`.
        """
        chosen = list(queryset[: ACTION_ROWS + 1])
        if len(chosen) > ACTION_ROWS:
            flash.error(
                request, f"More than {ACTION_ROWS} are selected; narrow the list. Nothing was changed."
            )
            return
        by = person_of(request)
        refused: dict[str, list[str]] = defaultdict(list)
        count = 0
        for row in chosen:
            try:
                rule(row, by)
            except Refusal as refusal:
                refused[refusal.detail].append(str(row))
            else:
                self.log_change(request, row, done.capitalize())
                count += 1
        if count:
            flash.success(request, f"{count} {model_ngettext(self.opts, count)} {done}.")
        for detail, names in refused.items():
            more = len(names) - NAMED_IN_A_FLASH
            listed = ", ".join(names[:NAMED_IN_A_FLASH]) + (f" and {more} more" if more > 0 else "")
            flash.warning(request, f"Not {done}: {listed}. {detail}")


class ReadOnlyAdmin(OperatorsAdmin[Row]):
    """An admin that shows: a hand edit would break what the rules hold together."""

    @column(description="realm", ordering="realm__slug")
    def tenant(self, row: Any) -> SafeString:
        """The row's realm with its owner: many realms have the same slug."""
        return two_lines(link_to(row.realm), row.realm.owner)

    @column(description="realm's owner")
    def realm_owner(self, row: Any) -> SafeString:
        """Whose realm it is."""
        return link_to(row.realm.owner)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False
