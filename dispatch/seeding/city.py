"""The seeded city: zones drawn by hand over Kolkata, a catalogue and promo codes. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from dispatch.billing.promos import PromoIn

#: (lng, lat) corners in order; the ring closes by itself.
Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Area:
    """A zone to be. `pincodes` are placed at the centre of the ring; longitudes go on beyond 180 rather than jump."""

    code: str
    name: str
    city: str
    state: str
    ring: Ring
    timezone: str = "Asia/Kolkata"
    currency: str = "INR"
    pincodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """A service to be: the prices of its tiers in rupees (price, list price), from the plainest tier on."""

    service_type: str
    category: str
    minutes: int
    description: str
    prices: dict[str, tuple[int, int]] = field(default_factory=dict)


def _kolkata(code: str, name: str, ring: Ring, *pincodes: str) -> Area:
    return Area(code, name, "Kolkata", "West Bengal", ring, pincodes=pincodes)


KOLKATA = (
    _kolkata(
        "KOL-NORTH", "North Kolkata",
        (
            (88.340, 22.580), (88.395, 22.580), (88.395, 22.625), (88.380, 22.640), (88.352, 22.636),
            (88.343, 22.605),
        ),
        "700002", "700003", "700004", "700005", "700006", "700037",
    ),
    _kolkata(
        "KOL-CENTRAL", "Central Kolkata",
        ((88.325, 22.535), (88.375, 22.535), (88.375, 22.580), (88.340, 22.580), (88.330, 22.560)),
        "700001", "700012", "700013", "700016", "700069", "700071", "700073",
    ),
    _kolkata(
        "KOL-SOUTH", "South Kolkata",
        ((88.315, 22.470), (88.345, 22.455), (88.400, 22.460), (88.400, 22.535), (88.325, 22.535)),
        "700019", "700025", "700026", "700029", "700032", "700033", "700045", "700068",
    ),
    _kolkata(
        "KOL-EAST", "East Kolkata",
        ((88.375, 22.535), (88.440, 22.535), (88.440, 22.580), (88.375, 22.580)),
        "700010", "700015", "700039", "700046", "700105",
    ),
    _kolkata(
        "KOL-SALTLAKE", "Salt Lake",
        ((88.395, 22.580), (88.440, 22.580), (88.445, 22.605), (88.420, 22.622), (88.395, 22.625)),
        "700064", "700091", "700098", "700106",
    ),
)  # fmt: skip

_THREE = ("Minimal", "Exclusive", "E-Lite")


def _offer(category: str, service_type: str, minutes: int, description: str, *prices: tuple[int, int]) -> Offer:
    return Offer(service_type, category, minutes, description, dict(zip(_THREE, prices, strict=False)))


#: "Facial - Minimal", twice, is the contract's worked example: 2000 at list price, 400 saved.
CATALOGUE = (
    _offer(
        "Facial", "Facial", 60, "A complete facial with cleansing, massage and mask.",
        (800, 1000), (1200, 1500), (1800, 2200),
    ),
    _offer(
        "Facial", "Clean up", 45, "A quick clean-up for fresh skin.",
        (500, 600), (750, 900), (1100, 1300),
    ),
    _offer(
        "Facial", "Bleach", 30, "A gentle bleach for face and neck.",
        (350, 400), (500, 600), (700, 800),
    ),
    _offer(
        "Waxing", "Full arms", 30, "Waxing of both arms.",
        (300, 350), (450, 550), (650, 750),
    ),
    _offer(
        "Waxing", "Full legs", 45, "Waxing of both legs.",
        (450, 500), (650, 800), (900, 1050),
    ),
    _offer(
        "Hair", "Haircut", 45, "Consultation, wash, cut and blow-dry.",
        (400, 500), (700, 850), (1100, 1300),
    ),
    _offer(
        "Hair", "Hair spa", 60, "Oil massage, steam and conditioning.",
        (700, 900), (1100, 1300), (1600, 1900),
    ),
    _offer(
        "Nail", "Manicure", 45, "Shaping, cuticle care, massage and polish.",
        (350, 450), (550, 650), (800, 950),
    ),
    _offer(
        "Nail", "Pedicure", 60, "Soak, scrub, shaping, massage and polish.",
        (450, 550), (650, 800), (950, 1100),
    ),
    _offer(
        "Cleaning", "Bathroom cleaning", 60, "A deep clean of one bathroom.",
        (450, 500), (650, 750),
    ),
    _offer(
        "Cleaning", "Home cleaning", 180, "A deep clean of a two-room home.",
        (1800, 2200), (2600, 3000),
    ),
    _offer(
        "Repairs", "Electrician visit", 60, "Finding and mending a fault in the wiring.",
        (300, 350), (500, 600),
    ),
    _offer(
        "Repairs", "Plumber visit", 60, "Finding and mending a leak or a blockage.",
        (300, 350), (500, 600),
    ),
)  # fmt: skip


def promos(currency: str) -> tuple[PromoIn, ...]:
    """The codes of a city, in its currency."""
    return (
        PromoIn("SAVE10", currency, discount_percent=Decimal(10), description="10 % off every booking"),
        PromoIn(
            "WELCOME20", currency, discount_percent=Decimal(20), description="20 % off the first booking",
            max_discount_minor=30_000, per_user_limit=1,
        ),
        PromoIn(
            "FLAT200", currency, discount_minor=20_000, description="200 off from 1500 on",
            min_order_minor=150_000
        ),
        PromoIn(
            "FIRST100", currency, discount_percent=Decimal(15),
            description="15 % for the first hundred bookings",
            total_limit=100, per_user_limit=1,
        ),
    )  # fmt: skip
