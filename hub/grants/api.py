"""Grants: the viewset."""

from typing import Annotated, Literal

from django.db.models import Q
from msgspec import Meta

from hub.api import examples
from hub.api.decode import id_in_path
from hub.api.endpoint import Answer, Link, endpoint
from hub.api.pages import ListQuery, page_of
from hub.api.viewset import HubViewSet
from hub.grants import bodies, requests, rules
from hub.grants.models import Grant
from hub.sessions.acting import Caller, acting_session
from realms.ids import GRANT, SESSION, parse_id

Direction = Literal["incoming", "outgoing"]
StatusName = Literal["pending", "active", "denied", "revoked", "expired"]


class GrantQuery(ListQuery, kw_only=True, forbid_unknown_fields=True):
    """Which grants to list."""

    direction: Annotated[
        Direction | None, Meta(description="incoming: `to` is the acting session; outgoing: `from` is.")
    ] = None
    status: Annotated[StatusName | None, Meta(description="Active and pending ones, if not given.")] = None


def _grant_id_of(text: str) -> str:
    return id_in_path(GRANT, text, or_refuse="grant_not_found")


class GrantViewSet(HubViewSet):
    """What one session allows another."""

    @endpoint(
        "Request a grant",
        body=bodies.GrantRequest,
        answer=bodies.GrantRequested,
        acts=True,
        refuses=(
            "invalid_capability",
            "invalid_namespace",
            "session_not_found",
            "grant_already_pending",
            "inbox_full",
        ),
        example=examples.REQUEST_GRANT,
        links=tuple(
            Link(
                operation,
                what,
                {"grant_id": "$response.body#/grant_id", "header.X-AISP-Session": who},
            )
            for operation, what, who in (
                ("grants_approve", "The target lets it begin.", "$response.body#/to"),
                ("grants_deny", "The target turns it down.", "$response.body#/to"),
                ("grants_get_grant", "Look at it, as the target.", "$response.body#/to"),
                ("grants_revoke", "Withdraw it.", "$request.header.X-AISP-Session"),
            )
        ),
    )
    def request_grant(self, caller: Caller, body: bodies.GrantRequest) -> bodies.GrantRequested:
        """The target gets a `grant` message; nothing is allowed before it approves.

        Without `expires_at` the grant ends after 24 hours, counted from the request.
        """
        wish = requests.Wish(
            target_id=str(parse_id(SESSION, body.to)),
            capability=body.capability,
            namespace=body.namespace,
            expires_at=body.expires_at,
            reason=body.reason or "",
        )
        requester = acting_session(caller)
        grant = requests.request_grant(requester=requester, wish=wish, by=caller.acting_as(requester))
        return bodies.requested_answer(grant)

    @endpoint(
        "List grants",
        query=GrantQuery,
        answer=bodies.GrantList,
        acts=True,
        lists=True,
        paged=True,
        refuses=("invalid_cursor", "realm_access_denied"),
        example=examples.LIST_GRANTS,
    )
    def list(self, caller: Caller, query: GrantQuery) -> Answer:
        """The acting session's grants, active and pending ones unless `status` says otherwise."""
        caller.check_realm(query.realm)
        session = acting_session(caller)
        sides = {"incoming": Q(grantor=session), "outgoing": Q(requester=session)}
        mine = sides[query.direction] if query.direction else Q(grantor=session) | Q(requester=session)
        grants = Grant.objects.in_realm(session.realm_id).filter(mine)
        if query.status is None:
            grants = grants.open()
        else:
            grants = grants.in_status(query.status)
        page, headers = page_of(grants, by="pk", answer=bodies.detail_answer, view=self, query=query)
        return Answer(bodies.GrantList(grants=page), headers)

    @endpoint(
        "Get a grant",
        answer=bodies.GrantDetail,
        acts=True,
        refuses=("grant_not_found", "grant_not_yours"),
        example=examples.GET_GRANT,
    )
    def get_grant(self, caller: Caller, grant_id: str) -> bodies.GrantDetail:
        """For the session that asked and for the one that decides."""
        session = acting_session(caller)
        return bodies.detail_answer(rules.grant_of(session=session, grant_id=_grant_id_of(grant_id)))

    @endpoint(
        "Approve a grant",
        body=bodies.GrantApproval,
        body_optional=True,
        answer=bodies.GrantDetail,
        acts=True,
        refuses=("invalid_namespace", "grant_not_found", "grant_not_yours", "grant_not_pending"),
        example=examples.APPROVE_GRANT,
    )
    def approve(self, caller: Caller, grant_id: str, body: bodies.GrantApproval) -> bodies.GrantDetail:
        """By the session that was asked, which may narrow the namespace and the expiry, never widen them."""
        grantor = acting_session(caller)
        grant = rules.approve_grant(
            grantor=grantor,
            grant_id=_grant_id_of(grant_id),
            by=caller.acting_as(grantor),
            namespace=body.namespace,
            expires_at=body.expires_at,
        )
        return bodies.detail_answer(grant)

    @endpoint(
        "Deny a grant",
        body=bodies.Nothing,
        body_optional=True,
        answer=bodies.GrantDetail,
        acts=True,
        refuses=("grant_not_found", "grant_not_yours", "grant_not_pending"),
        example=examples.DENY_GRANT,
    )
    def deny(self, caller: Caller, grant_id: str, body: bodies.Nothing) -> bodies.GrantDetail:
        """By the session that was asked."""
        grantor = acting_session(caller)
        grant = rules.deny_grant(
            grantor=grantor, grant_id=_grant_id_of(grant_id), by=caller.acting_as(grantor)
        )
        return bodies.detail_answer(grant)

    @endpoint(
        "Revoke a grant",
        answer=bodies.GrantRevoked,
        acts=True,
        refuses=("grant_not_found", "grant_not_yours", "grant_already_ended"),
        example=examples.REVOKE_GRANT,
    )
    def revoke(self, caller: Caller, grant_id: str) -> bodies.GrantRevoked:
        """By either side, at once: the next operation that needs the grant is refused. Of a pending grant
        it withdraws the request.
        """
        party = acting_session(caller)
        grant = rules.revoke_grant(party=party, grant_id=_grant_id_of(grant_id), by=caller.acting_as(party))
        return bodies.GrantRevoked(revoked=True, grant_id=grant.pk)
