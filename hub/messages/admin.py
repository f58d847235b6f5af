"""Messages in the operators' admin: who sent what kind to whom, and how far it came; never what it says."""

from collections import Counter
from typing import ClassVar

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from hub.messages.bodies import CATEGORIES, RecipientStatus
from hub.messages.models import HUB, Delivery, Message
from hub.messages.rules import recipient_status
from realms import ids
from realms.cells import column, link_to, table, time_of
from realms.operators import ChoiceFilter, ReadOnlyAdmin
from realms.times import ago

NAMED_RECIPIENTS = 2


class CategoryFilter(ChoiceFilter):
    """By category."""

    title = "category"
    parameter_name = "category"
    values = CATEGORIES


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin[Message]):
    """Messages' metadata. No query of these pages reads a payload or a signed envelope."""

    list_display = ("id", "category", "sender_name", "recipient_names", "state", "tenant", "sent")
    list_filter = (CategoryFilter, "sent_at")
    linked_lookups = ("realm__id__exact", "sender__id__exact")
    # An id that is none matches nothing; a name is compared whole, for there are many messages.
    search_fields = ("sender__name__iexact",)
    search_help_text = "A sender's name, or an id of a message, a sender or a realm"
    searched_ids: ClassVar = {ids.MESSAGE: ["pk"], ids.SESSION: ["sender"], ids.REALM: ["realm"]}
    ordering = ("-pk",)  # the order of sending, without sorting a big table
    sortable_by = ()
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "id",
                    "realm",
                    "realm_owner",
                    "sender_name",
                    "category",
                    "capability",
                    "reply",
                    "deliveries",
                )
            },
        ),
        ("Times", {"fields": ("sent", "expires")}),
    )

    sent = time_of("sent_at", "sent")
    expires = time_of("expires_at", "expires")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """Messages without what they say, with sender and recipients."""
        deliveries = Delivery.objects.select_related("recipient").defer("recipient__manifest")
        messages = super().get_queryset(request).select_related("realm__owner", "sender")
        return messages.defer("payload", "envelope", "sender__manifest").prefetch_related(
            Prefetch("deliveries", deliveries.order_by("recipient_id"))
        )

    @column(description="from")
    def sender_name(self, message: Message) -> SafeString | str:
        """The sender, or the hub itself."""
        return HUB if message.sender is None else link_to(message.sender)

    @column(description="to")
    def recipient_names(self, message: Message) -> str:
        """The first recipients' names; the id of one whose inbox does not hold the message."""
        names = {each.recipient_id: each.recipient.name for each in message.deliveries.all()}
        first = ", ".join(names.get(to, to) for to in message.recipients[:NAMED_RECIPIENTS])
        more = len(message.recipients) - NAMED_RECIPIENTS
        return f"{first} and {more} more" if more > 0 else first

    @column(description="state")
    def state(self, message: Message) -> str:
        """How many recipients are in which state, or the state if all are in one."""
        counts = Counter(status.status for _, status in _statuses(message))
        if len(counts) == 1:
            return next(iter(counts))
        return ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))

    @column(description="in reply to")
    def reply(self, message: Message) -> str | None:
        """The id of the message that it answers."""
        return None if message.reply_to is None else ids.id_of(ids.MESSAGE, message.reply_to)

    @column(description="deliveries")
    def deliveries(self, message: Message) -> SafeString:
        """Each recipient's state with its times."""
        return table(
            ["Recipient", "Number", "State", "Delivered", "Read"],
            [
                (
                    link_to(delivery.recipient) if delivery else status.to,
                    delivery.seq if delivery else "-",
                    status.status,
                    ago(delivery.delivered_at if delivery else None, "-"),
                    ago(delivery.read_at if delivery else None, "-"),
                )
                for delivery, status in _statuses(message)
            ],
        )


def _statuses(message: Message) -> list[tuple[Delivery | None, RecipientStatus]]:
    """Return the state at each recipient, in the sender's order, with the delivery if there still is one."""
    held = {delivery.recipient_id: delivery for delivery in message.deliveries.all()}
    return [(held.get(to), recipient_status(to, held.get(to))) for to in message.recipients]
