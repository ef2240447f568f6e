"""Names to draw from: customers, makers, models, batch names, policies, people."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pc_mcp.sandbox.seeded import letters_and_digits

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

SAMPLE_CUSTOMER = "Documentation Sample"
HUNDRED_THOUSAND_CUSTOMER = "Fabrikam Manufacturing"
MANY_BATCHES_CUSTOMER = "Northwind Traders"
NO_BATCHES_CUSTOMER = "Tailspin Toys"
EMPTY_BATCH_CUSTOMER = "Wingtip Toys"
HOSTILE_CUSTOMER = "Proseware Inc"
NO_RELATIONSHIP_CUSTOMER = "Lucerne Publishing"
ODD_BATCH_NAMES_CUSTOMER = "Contoso Ltd"


class Company(NamedTuple):
    """A customer's name, domain, how much it owns, and `relationshipToPartner`.

    `holding` is one of the keys of `batches.SIZES`.
    """

    name: str
    domain: str
    holding: str
    relationship: str = "reseller"


COMPANIES = (
    Company("A. Datum Corporation", "adatum.com", "large"),
    Company("Adventure Works Cycles", "adventure-works.com", "medium"),
    Company("Alpine Ski House", "alpineskihouse.onmicrosoft.com", "small"),
    Company("Bäckerei Müller & Söhne", "baeckereimueller.onmicrosoft.com", "small"),
    Company("Blue Yonder Airlines", "blueyonderairlines.com", "medium"),
    Company("City Power & Light", "cpandl.com", "medium"),
    Company("Coho Vineyard", "cohovineyard.com", "small"),
    Company("Coho Winery", "cohowinery.onmicrosoft.com", "small"),
    Company("Consolidated Messenger", "consolidatedmessenger.com", "medium", "advisor"),
    Company("Contoso Hotels", "contosohotels.com", "medium"),
    Company(ODD_BATCH_NAMES_CUSTOMER, "contoso.onmicrosoft.com", "medium"),
    Company("Contoso Pharmaceuticals", "contosopharma.onmicrosoft.com", "large"),
    Company(HUNDRED_THOUSAND_CUSTOMER, "fabrikam.com", "hundred thousand"),
    Company("Fabrikam Residences", "fabrikamresidences.onmicrosoft.com", "small"),
    Company("Fourth Coffee", "fourthcoffee.onmicrosoft.com", "small"),
    Company("Graphic Design Institute", "graphicdesigninstitute.com", "small"),
    Company("Humongous Insurance", "humongousinsurance.com", "medium"),
    Company("Litware Inc", "litwareinc.onmicrosoft.com", "medium"),
    Company(NO_RELATIONSHIP_CUSTOMER, "lucernepublishing.com", "small", "none"),
    Company("Margie's Travel", "margiestravel.onmicrosoft.com", "small"),
    Company(MANY_BATCHES_CUSTOMER, "northwindtraders.com", "many small"),
    Company(HOSTILE_CUSTOMER, "proseware.onmicrosoft.com", "hostile"),
    Company(NO_BATCHES_CUSTOMER, "tailspintoys.onmicrosoft.com", "none"),
    Company("Trey Research", "treyresearch.net", "small"),
    Company(EMPTY_BATCH_CUSTOMER, "wingtiptoys.com", "one empty"),
    Company("Woodgrove Bank", "woodgrovebank.com", "large"),
)


class Model(NamedTuple):
    """A device model: `oemManufacturerName`, `modelName`, and the maker's form of serial number."""

    maker: str
    name: str
    serial: Callable[[Random], str]


def _surface(rng: Random) -> str:
    return f"{rng.getrandbits(39) % 10**11:012d}"


def _dell(rng: Random) -> str:
    return letters_and_digits(rng, 7)


def _hp(rng: Random) -> str:
    return f"5CG{rng.getrandbits(10) % 1000:03d}{letters_and_digits(rng, 4)}"


def _lenovo(rng: Random) -> str:
    return f"PF{letters_and_digits(rng, 6)}"


def _acer(rng: Random) -> str:
    return f"NXV{letters_and_digits(rng, 5)}{rng.getrandbits(40):010X}7600"


def _panasonic(rng: Random) -> str:
    return f"{rng.getrandbits(3)}ATSA{rng.getrandbits(17) % 10**5:05d}"


MODELS = (
    Model("Microsoft Corporation", "Surface Pro 9", _surface),
    Model("Microsoft Corporation", "Surface Laptop 5", _surface),
    Model("Microsoft Corporation", "Surface Go 3", _surface),
    Model("Dell Inc.", "Latitude 5440", _dell),
    Model("Dell Inc.", "Latitude 7430", _dell),
    Model("Dell Inc.", "OptiPlex 7010", _dell),
    Model("Dell Inc.", "Precision 3581", _dell),
    Model("HP", "HP EliteBook 840 G9", _hp),
    Model("HP", "HP ProBook 450 G10", _hp),
    Model("Hewlett-Packard", "HP Z420 Workstation", _hp),
    Model("LENOVO", "ThinkPad T14 Gen 4", _lenovo),
    Model("LENOVO", "ThinkPad X1 Carbon Gen 11", _lenovo),
    Model("LENOVO", "ThinkCentre M70q Gen 3", _lenovo),
    Model("Acer", "TravelMate P2", _acer),
    Model("Panasonic Connect Co., Ltd.", "TOUGHBOOK 40", _panasonic),
)

SITES = (
    "Lyon", "Rotterdam", "Kraków", "Leeds", "Porto", "Seattle", "Austin", "Toronto", "Osaka",
    "Melbourne", "Nairobi", "Malmö", "HQ", "Warehouse 4", "Plant 2", "Store 118",
)  # fmt: skip

BATCH_NAMES = (
    "Rollout {date:%Y-%m} {site}",
    "{site} refresh {date:%Y}",
    "{maker} {site} {date:%Y-%m-%d}",
    "PO {number} {site}",
    "{site}-{date:%y%m}",
    "autopilot_{date:%Y%m%d}_{number}",
    "New starters {date:%B %Y}",
    "Replacement {site} {date:%b %Y}",
)

ODD_BATCH_NAMES = (
    "Q2/2025 Surface",
    "100% Laptops",
    "Lieferung München",
    "Spares? ask Ewa",
    "Lot #42",
    "Sales+Marketing",
    "a%2Fb",
    "R&D; phase=1",
    "東京オフィス 2024",
    "FINANCE laptops",
)

POLICY_NAMES = (
    "DefaultRoaming",
    "AzureAD Join Default Profile",
    "Standard user, no OEM apps",
    "Kiosk",
    "Executives",
    "Field engineers",
    "Hybrid join (pilot)",
    "Shared workstations",
)

AGENTS = (
    "ewa.nowak@partner.example",
    "j.martin@partner.example",
    "Ops Automation",
    "s.okafor@partner.example",
)
