"""What the operators' admin pages share: they show, search, and let the rules act.

Ids are kept as UUIDs, so that the admin's own search and filters cannot take them as people write them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib import messages as flash
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters, ShowFacets
from django.contrib.admin.utils import model_ngettext
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.safestring import SafeString

from realms import ids
from realms.audit.actor import Actor
from realms.cells import column, link_to, two_lines
from realms.person import operator_of
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
CONFIRMED = "confirmed"

Row = TypeVar("Row", bound=models.Model)


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


@dataclass(frozen=True, slots=True)
class Question:
    """What an operator is asked before an action that hurts.

    Attributes:
        verb: what the action does, as its button says it.
        means: what comes of it.
    """

    verb: str
    means: str


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

    def whose(self, row: Row) -> str:
        """Return whose it is, by which an operator tells it from another of its name."""
        raise NotImplementedError

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
            for selected in request.POST.getlist(ACTION_CHECKBOX_NAME):
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
        asked: Question | None = None,
    ) -> HttpResponse | None:
        """Call `rule` for each row, and tell the operator and the history what became of it.

        Args:
            rule: gets the row, and the person for the audit log.
            done: the participle of what the rule does, such as `revoked`.
            asked: what has to be confirmed before, on a page that names the rows.
        """
        chosen = list(queryset[: ACTION_ROWS + 1])
        if len(chosen) > ACTION_ROWS:
            flash.error(
                request, f"More than {ACTION_ROWS} are selected; narrow the list. Nothing was changed."
            )
            return None
        if asked and chosen and CONFIRMED not in request.POST:
            return self._ask(request, chosen, asked)
        by = operator_of(request)
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
        if not chosen:
            flash.warning(request, "What was selected is not in this list any more. Nothing was changed.")
        return None

    def _ask(self, request: HttpRequest, chosen: list[Row], asked: Question) -> HttpResponse:
        """Show what would be done to which rows. Its form sends the action again, as confirmed."""
        count = len(chosen)
        said = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{asked.verb} {count} {model_ngettext(self.opts, count)}?",
            "asked": asked,
            "chosen": [(row.pk, link_to(row), self.whose(row)) for row in chosen],
            "sent": {"action": request.POST["action"], CONFIRMED: "yes"},
            "checkbox": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, "admin/confirm.html", said)


class ReadOnlyAdmin(OperatorsAdmin[Row]):
    """An admin that shows: a hand edit would break what the rules hold together."""

    def whose(self, row: Any) -> str:
        """The realm and its owner."""
        return f"in {row.realm} of {row.realm.owner}"

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
