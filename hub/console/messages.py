"""Messages: what flows in the realm, and how far one message came. What it says is the owner's to open."""

from django import forms
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse

from hub.console.json_html import json_html
from hub.console.listing import Listing
from hub.console.message_flow import Wanted, flow, metadata, rows_of, sessions_named
from hub.console.pages import show
from hub.messages.bodies import CATEGORIES
from hub.messages.models import HUB, Message
from hub.messages.payloads import open_payload
from hub.messages.rules import recipient_status
from hub.sessions.models import Session
from realms.ids import MESSAGE, SESSION, id_of, parse_id
from realms.members.rules import Member
from realms.person import person_of
from realms.refusal import Refusal

ROOM = "realm-messages"
NAME_CHARACTERS = 64


class FlowForm(forms.Form):
    """Which messages of a realm."""

    category = forms.ChoiceField(
        required=False, choices=[("", "All"), *((category, category) for category in CATEGORIES)]
    )
    sender = forms.CharField(label="From", required=False, max_length=NAME_CHARACTERS)
    recipient = forms.CharField(label="To", required=False, max_length=NAME_CHARACTERS)

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        for name in ("sender", "recipient"):
            self.fields[name].widget.attrs["placeholder"] = "Name or id"

    def wanted(self, member: Member) -> Wanted:
        """Return what is asked for.

        Raises:
            Refusal: `not_found`, for a session that the realm does not have.
        """
        said = self.cleaned_data
        sender = HUB if said["sender"] == HUB else _session_called(member, said["sender"])
        return Wanted(said["category"], sender, _session_called(member, said["recipient"]))


def _session_called(member: Member, text: str) -> Session | None:
    """Return the session with an id, or the live one with a name; None for no text."""
    if not text:
        return None
    if canonical := parse_id(SESSION, text):
        found = Session.objects.ever_in_realm(member.realm.pk).filter(pk=canonical)
    else:
        named = Session.objects.in_realm(member.realm.pk).alias(small=Lower("name"))
        found = named.filter(small=text.lower())
    session = found.defer("manifest").first()
    if session is None:
        raise Refusal("not_found", "The realm has no session with this name or id.")
    return session


def message_in(member: Member, message_id: str) -> Message:
    """Return a message of the realm, without what it says.

    Raises:
        Refusal: `not_found`.
    """
    canonical = parse_id(MESSAGE, message_id)
    message: Message | None = metadata(member.realm.pk).filter(pk=canonical).first() if canonical else None
    if message is None:
        raise Refusal("not_found", "The realm has no such message.")
    return message


def list_messages(request: HttpRequest, member: Member) -> HttpResponse:
    """Show the messages that match, the newest first."""
    form = FlowForm(request.GET)
    page: Listing[Message] = Listing([], None, True)
    if form.is_valid():
        page = flow(member.realm.pk, form.wanted(member), request.GET.get("before"))
    context = {
        "form": form,
        "page": page,
        "rows": rows_of(member.realm.pk, page.rows),
        "is_filtered": any(form.data.get(name) for name in form.fields),
    }
    return show(request, member, "messages.html", context, room=ROOM, status=400 if form.errors else 200)


def show_message(request: HttpRequest, member: Member, message_id: str) -> HttpResponse:
    """Show one message's way."""
    return _show(request, member, message_in(member, message_id))


def open_message(request: HttpRequest, member: Member, message_id: str) -> HttpResponse:
    """Show a message with what it says, in this answer alone: who wants to see it again opens it again."""
    message = message_in(member, message_id)
    payload = open_payload(message=message, by=person_of(request))
    return _show(request, member, message, payload=payload)


def _show(
    request: HttpRequest, member: Member, message: Message, *, payload: str | None = None
) -> HttpResponse:
    recipients = sessions_named(member.realm.pk, message.recipients)
    held = {delivery.recipient_id: delivery for delivery in message.deliveries.all()}
    reply_to = None if message.reply_to is None else id_of(MESSAGE, message.reply_to)
    context = {
        "message": message,
        "trace": [
            (to, recipients.get(to), recipient_status(to, held.get(to)).status, held.get(to))
            for to in message.recipients
        ],
        "reply_to": reply_to,
        # The sender wrote it, and it may name anything.
        "is_here": reply_to and Message.objects.in_realm(member.realm.pk).filter(pk=reply_to).exists(),
        "payload": None if payload is None else json_html(payload),
    }
    return show(request, member, "message.html", context, room=ROOM)
