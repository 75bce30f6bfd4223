"""Whose each Yjs client id of a room is: new items of an id come from nobody else.

A native client gets its id with `welcome` (the one it wished for, if that is free); a plain Yjs client, and one that
takes another, by its first use of it. Who has an id keeps it, also over restarts: `MemberRecord.clients` says so. An id
under which words stand that nobody here is known to have (of the server's earlier lives, of members that were
forgotten) is nobody's for good.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection

from antiphon_server.core.members import Member, Members
from antiphon_server.core.seat import Seat

KEPT = 32
"""Ids of one member that are remembered, the newest: each page that one opens takes another."""


class ClientIds:
    """`taken` tells whether an id stands in the document or is the server's own."""

    def __init__(self, members: Members, taken: Callable[[int], bool]) -> None:
        self._taken = taken
        self._owners: dict[int, Member] = {}
        self._users: dict[int, Seat] = {}
        """The connection that used an id last: while it is open, nobody else of its name may."""
        self._brought: set[int] = set()
        """Ids in copies of plain clients under which nobody here wrote: the first writer gets them. After a crash a
        copy may hold lost words of a member whom the room forgot too."""
        for member in members:
            self._owners.update(dict.fromkeys(member.record.clients, member))

    def owner(self, client: int) -> str | None:
        """The participant whose id it is."""
        member = self._owners.get(client)
        return member.id if member else None

    def lease(self, member: Member, wish: int) -> int:
        """The id for a native connection: the one that it wishes for, or a fresh one when that is another's."""
        client = wish if wish and self._free(member, wish) else self._fresh()
        self._keep(member, (client,))
        return client

    def may_use(self, member: Member, seat: Seat, client: int) -> bool:
        """Whether new items of `client` may come over this connection."""
        user = self._users.get(client)
        if user is not None and user is not seat and not user.gone:
            return False
        return self._free(member, client)

    def use(self, member: Member, seat: Seat, clients: Collection[int], *, own: bool) -> None:
        """The connection has brought items of ids that it may use; they are its `own`, or came with its copy."""
        for client in clients:
            if own or client == seat.client_id or seat.dialect == "native":
                self._users[client] = seat
                self._brought.discard(client)
            elif client not in self._owners:
                self._brought.add(client)
        self._keep(member, clients)

    def vacate(self, seat: Seat) -> None:
        """The connection is gone."""
        self._users = {client: user for client, user in self._users.items() if user is not seat}

    def forget(self, member: Member) -> None:
        """The room has removed this member."""
        for client in member.record.clients:
            if self._owners.get(client) is member:
                del self._owners[client]

    def _free(self, member: Member, client: int) -> bool:
        owner = self._owners.get(client)
        if owner is None:
            return not self._taken(client)
        if client in self._brought and member.record.plain:
            return True
        return owner is member or _one_person(owner, member)

    def _keep(self, member: Member, clients: Collection[int]) -> None:
        new = tuple(dict.fromkeys(clients))
        if not new or member.record.clients[-len(new) :] == new:
            return
        for client in new:
            former = self._owners.get(client)
            if former is not None and former is not member:
                former.update(clients=tuple(one for one in former.record.clients if one != client))
            self._owners[client] = member
        kept = (*(one for one in member.record.clients if one not in new), *new)
        for old in kept[:-KEPT]:
            if self._owners.get(old) is member:
                del self._owners[old]
        member.update(clients=kept[-KEPT:])

    def _fresh(self) -> int:
        """32 bits, as Yjs draws them."""
        while True:
            client = secrets.randbits(32)
            if client and client not in self._owners and not self._taken(client):
                return client


def _one_person(one: Member, other: Member) -> bool:
    """Plain Yjs clients of one link and name are one person with several tabs, who may change seats."""
    a, b = one.record, other.record
    return a.plain and b.plain and (a.link, a.role, a.name) == (b.link, b.role, b.name)
