"""Services and their categories as staff keep them: written, taken out, shown. Old bookings keep their copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from dispatch.engine import audit, catalogue, files
from dispatch.engine.catalogue import ServiceIn
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor
from dispatch.services import Tx
from storage import categories as category_rows
from storage import services as rows
from storage.categories import Category
from storage.database.errors import StorageError, is_unique
from storage.database.pool import Conn
from storage.services import ServiceFile

#: Currency -> (price, list price or None), in minor units; None takes the price away.
Prices = Mapping[str, tuple[int, int | None] | None]


class CategoryInUse(Conflict):
    """Services, technicians or open bookings go by this category."""

    code = "category_in_use"


class CategoryTaken(Conflict):
    """There is a category of this name already."""

    code = "category_taken"


class ServiceExists(Conflict):
    """There is such a service already."""

    code = "service_exists"

    def __init__(self, service_id: UUID) -> None:
        text = f"There is such a service already: name its id, {service_id}, to change it."
        super().__init__(text, details={"id": str(service_id)})


# ---------------------------------------------------------------- services


async def require_new(tx: Tx, service: ServiceIn) -> None:
    """Of whoever asks for the same at once, one is let through at a time, until its transaction ends.

    Raises ServiceExists for one with the same name, category, type and tier, whatever their case.
    """
    what = {"name": service.name, "category": service.category, "service_type": service.service_type}
    await rows.lock_name(tx.conn, name=service.name)
    if (known := await rows.twin(tx.conn, **what, tier=service.tier)) is not None:
        raise ServiceExists(known)


async def create(tx: Tx, service: ServiceIn, actor: Actor, image: UUID | None = None) -> ServiceFile:
    """A new service, audited. Raises Invalid (prices, image)."""
    service = replace(service, category=(await spelled(tx.conn, [service.category]))[0])
    service_id = await catalogue.upsert_service(tx, service)
    if image is not None:
        await _show(tx, await _get(tx, service_id), image)
    made = await _get(tx, service_id)
    await audit.changed(tx, actor, "create_service", "service", service_id, None, made)
    return made


async def change(
    tx: Tx, service_id: UUID, actor: Actor, changes: Mapping[str, Any], prices: Prices, image: UUID | None = None
) -> ServiceFile:
    """Changes fields of a ServiceIn and prices, audited; bookings keep what was agreed. Raises Missing, Invalid.

    What is sent back as it was read changes nothing, also not the image that is shown.
    """
    before = await rows.lock(tx.conn, service_id=service_id)
    if before is None:
        raise Missing("service")
    kept = {p["currency"]: (p["price_minor"], p["list_price_minor"]) for p in before.prices}
    wanted = {c: _as_kept(p, kept.get(c)) for c, p in {**kept, **prices}.items() if p is not None}
    if not wanted:
        raise Invalid({"prices": "At least one price has to stay: take the service out instead."})
    written = ServiceIn(
        name=before.name, category=before.category, service_type=before.service_type, tier=before.tier, prices=wanted,
        duration_minutes=before.duration_minutes, description=before.description, image_url=before.image_url,
        is_active=before.is_active,
    )  # fmt: skip
    after = replace(written, **changes)
    if after.category != before.category:
        after = replace(after, category=(await spelled(tx.conn, [after.category]))[0])
    await catalogue.upsert_service(tx, after, service_id)
    for currency in kept.keys() - wanted.keys():
        await rows.drop_price(tx.conn, service_id=service_id, currency=currency)
    if image is not None and image != before.image_file_id:
        await _show(tx, before, image)
    elif changes.get("image_url", before.image_url) != before.image_url and before.image_file_id is not None:
        await _forget_image(tx, before, changes["image_url"])
    changed = await _get(tx, service_id)
    await audit.changed(tx, actor, "update_service", "service", service_id, before, changed)
    return changed


async def retire(tx: Tx, service_id: UUID, actor: Actor) -> None:
    """Takes a service out of the catalogue for good, audited; bookings keep their copy of it. Raises Missing."""
    before = await rows.lock(tx.conn, service_id=service_id)
    if before is None:
        raise Missing("service")
    await catalogue.retire_service(tx, service_id)
    await audit.changed(tx, actor, "delete_service", "service", service_id, before, None)


def _as_kept(price: tuple[int, int | None], kept: tuple[int, int | None] | None) -> tuple[int, int | None]:
    """A price; where no list price is kept, the price is shown as one, and is none when it comes back."""
    return kept if kept is not None and kept[1] is None and price == (kept[0], kept[0]) else price


async def _get(tx: Tx, service_id: UUID) -> ServiceFile:
    found = await rows.get(tx.conn, service_id=service_id)
    assert found is not None, "it was written just now"
    return found


async def _show(tx: Tx, service: ServiceFile, image: UUID) -> None:
    """A file that the house took in becomes the service's image; the former one goes."""
    try:
        file = await files.give(tx, image, files.Owner("service", service.id))
    except Missing as error:
        raise Invalid({"image_file_id": "There is no such file to be shown."}) from error
    if file.purpose != "service_image":
        raise Invalid({"image_file_id": "This file was not sent as an image of a service."})
    await rows.set_image(
        tx.conn, service_id=service.id, image_url=files.link_to(tx.services, file), image_file_id=file.id
    )
    if service.image_file_id is not None:
        await files.drop(tx, service.image_file_id)
    catalogue.changed(tx)


async def _forget_image(tx: Tx, service: ServiceFile, image_url: str | None) -> None:
    assert service.image_file_id is not None
    await rows.set_image(tx.conn, service_id=service.id, image_url=image_url, image_file_id=None)
    await files.drop(tx, service.image_file_id)


# ---------------------------------------------------------------- categories


@dataclass(frozen=True, slots=True)
class CategoryIn:
    """How a category is called and shown. An inactive one hides its services."""

    name: str
    description: str | None = None
    image_url: str | None = None
    position: int = 0
    is_active: bool = True


async def spelled(conn: Conn, names: Sequence[str]) -> list[str]:
    """Categories as they are written here already, whatever case they are given in; others as they are given.

    Jobs find their technicians by the very same words.
    """
    found = await category_rows.spelled(conn, names=list(names))
    return list(dict.fromkeys(found or ()))


async def create_category(tx: Tx, category: CategoryIn, actor: Actor) -> Category:
    """Raises CategoryTaken."""
    made = await category_rows.insert(tx.conn, **asdict(category))
    if made is None:
        raise CategoryTaken
    found = await _category(tx, made)
    await audit.changed(tx, actor, "create_category", "category", made, None, found)
    catalogue.changed(tx)
    return found


async def change_category(tx: Tx, category_id: UUID, actor: Actor, changes: Mapping[str, Any]) -> Category:
    """Changes fields of a CategoryIn; a name that is in use stays. Raises Missing, CategoryTaken, CategoryInUse."""
    before = await category_rows.lock(tx.conn, category_id=category_id)
    if before is None:
        raise Missing("category")
    written = CategoryIn(before.name, before.description, before.image_url, before.position, before.is_active)
    after = replace(written, **changes)
    if after.name != before.name:
        if await category_rows.is_taken(tx.conn, name=after.name, category_id=category_id):
            raise CategoryTaken
        if await category_rows.is_used(tx.conn, name=before.name):
            raise CategoryInUse
    try:
        async with tx.savepoint():
            await category_rows.change(tx.conn, category_id=category_id, **asdict(after))
    except StorageError as error:
        # Somebody else gave this name to another a moment ago.
        if not is_unique(error):
            raise
        raise CategoryTaken from error
    found = await _category(tx, category_id)
    await audit.changed(tx, actor, "update_category", "category", category_id, before, found)
    catalogue.changed(tx)
    return found


async def delete_category(tx: Tx, category_id: UUID, actor: Actor) -> None:
    """Raises Missing, CategoryInUse."""
    before = await category_rows.lock(tx.conn, category_id=category_id)
    if before is None:
        raise Missing("category")
    if await category_rows.is_used(tx.conn, name=before.name):
        raise CategoryInUse
    await category_rows.delete(tx.conn, category_id=category_id)
    await audit.changed(tx, actor, "delete_category", "category", category_id, before, None)
    catalogue.changed(tx)


async def _category(tx: Tx, category_id: UUID) -> Category:
    found = await category_rows.get(tx.conn, category_id=category_id)
    assert found is not None, "it was written just now"
    return found
