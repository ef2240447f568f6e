"""Fifty questions of support agents, the calls that answer each, and the facts that the answers must hold.

A fact is one value, or several that stand together: in one line of the text, in one object of the structured half.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.questions.truth import Truth

CONTOSO, FABRIKAM, LITWARE = "Contoso Ltd", "Fabrikam Manufacturing", "Litware Inc"
COFFEE, NORTHWIND = "Fourth Coffee", "Northwind Traders"
FINANCE = "FINANCE laptops"

Call = tuple[str, dict[str, Any]]
Fact = Any


@dataclass(frozen=True)
class Asked:
    """calls: made of the truth, since people ask for what is there; facts: of the last call's answer."""

    words: str
    calls: Callable[[Truth], Sequence[Call]]
    facts: Callable[[Truth], Iterable[Fact]]
    is_refused: bool = False


def devices(customer: str = CONTOSO, **arguments: Any) -> Callable[[Truth], Sequence[Call]]:
    return lambda truth: [("list_devices", {"customer": customer} | arguments)]


def batches(customer: str = CONTOSO, **arguments: Any) -> Callable[[Truth], Sequence[Call]]:
    return lambda truth: [("list_device_batches", {"customer": customer} | arguments)]


def found(
    customer: str, identifiers: Callable[[Truth], list[str]], **arguments: Any
) -> Callable[[Truth], Sequence[Call]]:
    return lambda truth: [("find_devices", {"customer": customer, "identifiers": identifiers(truth)} | arguments)]


def upload(status: str) -> Callable[[Truth], Sequence[Call]]:
    def calls(truth: Truth) -> Sequence[Call]:
        tracking_id = truth.upload(CONTOSO, status)["batchTrackingId"]
        return [("get_batch_upload_status", {"customer": CONTOSO, "batch_tracking_id": tracking_id})]

    return calls


def second_page(truth: Truth) -> Sequence[Call]:
    question = {"customer": CONTOSO, "batch": FINANCE, "limit": 5, "fields": ["serial_number"]}
    return [("list_devices", question), ("list_devices", question | {"cursor": "<next>"})]


def twins(truth: Truth, customer: str = CONTOSO) -> list[Fact]:
    return [
        (each["serial_number"], each["batch"]) for each in truth.devices(customer, only=["duplicate_serial_number"])
    ]


def largest(truth: Truth, customer: str) -> list[Fact]:
    listed = sorted(truth.customer(customer).batches, key=lambda batch: -(batch.count or 0))
    return [(batch.id, batch.count) for batch in listed[:3]]


def latest(truth: Truth, customer: str) -> list[Fact]:
    dated = [each for each in truth.devices(customer) if each["uploaded"]]
    return [(each["serial_number"], each["batch"]) for each in sorted(dated, key=lambda each: each["uploaded"])[-1:]]


def most_frequent_policy(truth: Truth) -> str:
    return next(name for name, _ in truth.by(LITWARE, "policy") if name != "(none)")


def misspelt(name: str) -> str:
    """Without a letter from its middle."""
    return name[: len(name) // 2] + name[len(name) // 2 + 1 :]


def failed_rows(truth: Truth) -> list[Fact]:
    rows = truth.upload(CONTOSO, "finished_with_errors")["devicesStatus"]
    return [len(rows), *(row["errorCode"] for row in rows if row.get("errorCode") not in (None, "", "0"))][:3]


QUESTIONS: Sequence[Asked] = (
    Asked("How many devices does Contoso have?", devices(limit=0), lambda t: [t.count(CONTOSO)]),
    Asked(
        "contoso.onmicrosoft.com: how many?", devices("contoso.onmicrosoft.com", limit=0), lambda t: [t.count(CONTOSO)]
    ),
    Asked(
        "And the one of https://partner.microsoft.com/…/customers/<its tenant>?",
        lambda t: devices(
            f"https://partner.microsoft.com/dashboard/v2/customers/{t.profile(LITWARE)['tenantId']}/x", limit=0
        )(t),
        lambda t: [t.count(LITWARE), LITWARE],
    ),
    Asked(
        "Which makers do Fabrikam's devices come from?",
        devices(FABRIKAM, limit=0, group_by=["manufacturer"]),
        lambda t: t.by(FABRIKAM, "manufacturer"),
    ),
    Asked(
        "Which models does Litware have most of?",
        devices(LITWARE, limit=0, group_by=["model"]),
        lambda t: t.by(LITWARE, "model")[:5],
    ),
    Asked(
        "Which profiles are on Contoso's devices, and how many have none?",
        devices(limit=0, group_by=["policy"]),
        lambda t: t.by(CONTOSO, "policy")[:6],
    ),
    Asked(
        "How many Fabrikam devices have no Autopilot profile?",
        devices(FABRIKAM, policy="none", limit=0),
        lambda t: [t.count(FABRIKAM, policy="none")],
    ),
    Asked(
        "In which batches are Contoso's devices without a profile?",
        devices(limit=0, policy="none", group_by=["batch"]),
        lambda t: t.by(CONTOSO, "batch", policy="none")[:8],
    ),
    Asked(
        "Fabrikam's devices by batch and model?",
        devices(FABRIKAM, limit=0, group_by=["batch+model"]),
        lambda t: t.by(FABRIKAM, "batch+model")[:5],
    ),
    Asked(
        "Which profile do Contoso's Surfaces have, by model?",
        devices(limit=0, model="surface", group_by=["model+policy"]),
        lambda t: t.by(CONTOSO, "model+policy", model="surface")[:5],
    ),
    Asked(
        "In which months did Litware get devices in 2025?",
        devices(
            LITWARE, limit=0, uploaded_after="2025-01-01", uploaded_before="2026-01-01", group_by=["uploaded_month"]
        ),
        lambda t: t.by(LITWARE, "uploaded_month", uploaded_after="2025-01-01", uploaded_before="2026-01-01"),
    ),
    Asked(
        "How many a year at Contoso?",
        devices(limit=0, group_by=["uploaded_year"]),
        lambda t: t.by(CONTOSO, "uploaded_year"),
    ),
    Asked(
        "How many Surfaces did Fabrikam get before 2022?",
        devices(FABRIKAM, limit=0, model="surface", uploaded_before="2022-01-01"),
        lambda t: [t.count(FABRIKAM, model="surface", uploaded_before="2022-01-01")],
    ),
    Asked(
        "How many Dells without a profile has Contoso?",
        devices(limit=0, manufacturer="dell", policy="none"),
        lambda t: [t.count(CONTOSO, manufacturer="dell", policy="none")],
    ),
    Asked("Which Contoso serial numbers occur twice, and where?", devices(only=["duplicate_serial_number"]), twins),
    Asked("And at Litware?", devices(LITWARE, only=["duplicate_serial_number"]), lambda t: twins(t, LITWARE)),
    Asked(
        "Which Contoso devices lack a serial number?",
        devices(only=["without_serial_number"], fields=["id", "batch"]),
        lambda t: [
            t.count(CONTOSO, only=["without_serial_number"]),
            *((each["id"], each["batch"]) for each in t.devices(CONTOSO, only=["without_serial_number"])[:5]),
        ],
    ),
    Asked(
        "Which lack a model or a maker?",
        devices(only=["without_model", "without_manufacturer"]),
        lambda t: [t.count(CONTOSO, only=["without_model", "without_manufacturer"])],
    ),
    Asked(
        "Does any Contoso batch hold another number than it says?",
        devices(limit=0, group_by=[]),
        lambda t: [("batch_count_differs", 7)],
    ),
    Asked(
        "Anything odd in batch FINANCE laptops?",
        devices(batch=FINANCE, limit=0),
        lambda t: [t.count(CONTOSO, FINANCE), len(t.devices(CONTOSO, FINANCE, policy="none"))],
    ),
    Asked(
        "Contoso's newest batches?",
        batches(limit=3),
        lambda t: [(each["id"], each["devicesCount"]) for each in t.batches(CONTOSO)[:3]],
    ),
    Asked(
        "Northwind's largest batches?",
        batches(NORTHWIND, order_by="-devices", limit=3),
        lambda t: largest(t, NORTHWIND),
    ),
    Asked(
        "Litware's oldest batch?",
        batches(LITWARE, order_by="created", limit=1),
        lambda t: [t.oldest_batch(LITWARE)],
    ),
    Asked("How many batches does Northwind have?", batches(NORTHWIND, limit=0), lambda t: [len(t.batches(NORTHWIND))]),
    Asked(
        "Which of Northwind's are for Osaka?",
        batches(NORTHWIND, name_contains="osaka", limit=100),
        lambda t: [each["id"] for each in t.batches(NORTHWIND) if "osaka" in each["id"].casefold()][:10],
    ),
    Asked(
        "Which Contoso batches came in 2026?",
        batches(created_after="2026-01-01"),
        lambda t: [each["id"] for each in t.batches(CONTOSO) if each["creationDate"] >= "2026"],
    ),
    Asked(
        "How many are in batch lieferung munchen?",
        devices(batch="lieferung munchen", limit=0),
        lambda t: [t.count(CONTOSO, "Lieferung München"), "Lieferung München"],
    ),
    Asked("What is in batch 100% Laptops of Contoso?", devices(batch="100% Laptops"), lambda t: ["which is empty", 0]),
    Asked("Wingtip's devices?", devices("Wingtip Toys"), lambda t: [t.count("Wingtip Toys"), "Wingtip Toys"]),
    Asked("And Tailspin?", devices("Tailspin Toys"), lambda t: [0, "Tailspin Toys"]),
    Asked(
        "Which batch is this serial in?",
        found(CONTOSO, lambda t: t.serials(CONTOSO, 1)),
        lambda t: [(each["serial_number"], each["batch"]) for each in t.with_serial(CONTOSO, *t.serials(CONTOSO, 1))],
    ),
    Asked(
        "These forty of Fabrikam, please.",
        found(FABRIKAM, lambda t: [*t.serials(FABRIKAM, 40), "ABC-12345"]),
        lambda t: [
            "ABC-12345",
            *((each["serial_number"], each["batch"]) for each in t.with_serial(FABRIKAM, *t.serials(FABRIKAM, 40))),
        ],
    ),
    Asked(
        "In one cell: A, B, C.",
        found(LITWARE, lambda t: [", ".join(t.serials(LITWARE, 3))], fields=["model"]),
        lambda t: [(each["serial_number"], each["model"]) for each in t.with_serial(LITWARE, *t.serials(LITWARE, 3))],
    ),
    Asked(
        "S/N: … in small letters?",
        found(CONTOSO, lambda t: [f"S/N: {t.serials(CONTOSO, 7)[3].lower()}"]),
        lambda t: [(each["serial_number"], each["batch"]) for each in t.with_serial(CONTOSO, t.serials(CONTOSO, 7)[3])],
    ),
    Asked("Do they have ABC-12345?", found(CONTOSO, lambda t: ["ABC-12345"]), lambda t: ["ABC-12345", 0]),
    Asked(
        "Which profile and maker has this one?",
        found(LITWARE, lambda t: t.serials(LITWARE, 1), fields=["policy", "manufacturer"]),
        lambda t: [
            (each["serial_number"], each["manufacturer"]) for each in t.with_serial(LITWARE, *t.serials(LITWARE, 1))
        ],
    ),
    Asked(
        "Who ends with these digits?",
        lambda t: devices(serial_number=t.serials(CONTOSO, 5)[2][-5:])(t),
        lambda t: [t.serials(CONTOSO, 5)[2]],
    ),
    Asked(
        "Whose device was uploaded last at Contoso?",
        devices(order_by="-uploaded", limit=1),
        lambda t: latest(t, CONTOSO),
    ),
    Asked(
        "The first five of FINANCE laptops, then the next five.",
        second_page,
        lambda t: [each["serial_number"] for each in t.devices(CONTOSO, FINANCE)[5:10]],
    ),
    Asked(
        "Which profiles does Contoso have?",
        lambda t: [("list_configuration_policies", {"customer": CONTOSO})],
        lambda t: [each["name"] for each in t.policies(CONTOSO)],
    ),
    Asked(
        "What does Litware's first one skip?",
        lambda t: [("list_configuration_policies", {"customer": LITWARE})],
        lambda t: [(t.policies(LITWARE)[0]["name"], t.policies(LITWARE)[0]["policySettings"][0])],
    ),
    Asked("Did the upload go through? What failed?", upload("finished_with_errors"), failed_rows),
    Asked("And this one?", upload("finished"), lambda t: ["finished"]),
    Asked("Is this one still running?", upload("processing"), lambda t: ["stuck", "processing"]),
    Asked("What of the queued one?", upload("queued"), lambda t: ["queued"]),
    Asked(
        "Which customers are called Contoso?",
        lambda t: [("find_customers", {"query": "contoso"})],
        lambda t: [("Contoso Hotels", t.profile("Contoso Hotels")["domain"]), (CONTOSO, t.profile(CONTOSO)["domain"])],
    ),
    Asked(
        "Baeckerei Mueller, or however one writes it?",
        devices("bäckerei muller", limit=0),
        lambda t: [t.count("Bäckerei Müller & Söhne"), "Bäckerei Müller & Söhne"],
    ),
    Asked(
        "How many has Contosso?",
        devices("Contosso"),
        lambda t: [CONTOSO, t.profile(CONTOSO)["domain"]],
        is_refused=True,
    ),
    Asked("How many of Contoso are Latitudo?", devices(model="Latitudo", limit=0), lambda t: [0, "Latitude"]),
    Asked(
        "How many of Litware have the profile (misspelt)?",
        lambda t: devices(LITWARE, policy=misspelt(most_frequent_policy(t)), limit=0)(t),
        lambda t: [0, most_frequent_policy(t)],
    ),
)
