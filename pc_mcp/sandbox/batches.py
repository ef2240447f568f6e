"""Device batches: how many a customer has, how large they are, how the service lists them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pc_mcp.sandbox import catalog, hostile
from pc_mcp.sandbox.seeded import NOW, UNKNOWN_DATE, JsonObject, source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

_HUNDRED_THOUSAND = (
    12000, 11387, 9813, 8750, 8200, 7604, 6896, 6100, 5450, 4800,
    4250, 3600, 3000, 2450, 1900, 1500, 1050, 700, 400, 150,
)  # fmt: skip

SIZES: dict[str, Callable[[Random], list[int]]] = {
    "none": lambda rng: [],
    "one empty": lambda rng: [0],
    "small": lambda rng: [rng.randint(1, 120) for _ in range(rng.randint(1, 5))],
    # 0, 100 and 200 devices are where paging goes wrong.
    "medium": lambda rng: _shuffled(rng, [0, 100, 200, *(rng.randint(5, 600) for _ in range(rng.randint(9, 20)))]),
    "large": lambda rng: [rng.randint(50, 6000) for _ in range(30)],
    "many small": lambda rng: [rng.randint(0, 40) for _ in range(210)],
    "hostile": lambda rng: [rng.randint(60, 250) for _ in hostile.BATCH_IDS],
    "hundred thousand": lambda rng: _shuffled(rng, _HUNDRED_THOUSAND),
}
"""Devices in each batch, by `catalog.Company.holding`."""

_MANY = 10
"""From so many batches on, the third to seventh are listed as odd batches were seen to be."""

_STATUSES = ("finished",) * 17 + ("processing", "finished_with_errors", "finished_with_errors")
_ZONES = (timedelta(hours=-7), timedelta(hours=-7), timedelta(0), timedelta(hours=2), None)


@dataclass(frozen=True)
class Batch:
    """One batch: what decides its devices, and how it is listed.

    `size` is the number of items its pages hold; `count` is what the list claims, with its key.
    `zone` is the offset of its devices' dates (None: written without any), `without_policy` a
    share from 0 to 1, `policies` what its devices' `policies[].value` may be: names or GUIDs.
    """

    seed: str
    customer_id: str
    ordinal: int
    id: str
    size: int
    created: datetime
    upload_days: int
    zone: timedelta | None
    models: tuple[catalog.Model, ...]
    policies: tuple[str, ...]
    without_policy: float
    uploaded_by: str
    hostile: bool
    details: JsonObject
    count: JsonObject

    @property
    def listed(self) -> JsonObject:
        """The DeviceBatch of "device-deployment-resources", a new one each time.

        The link's uri is not percent-encoded and has no `/v1`, as in the documentation's sample.
        """
        return {
            "id": self.id,
            **self.details,
            **self.count,
            "devicesLink": {
                "uri": f"/customers/{self.customer_id}/deviceBatches/{self.id}/devices",
                "method": "GET",
                "headers": [],
            },
            "attributes": {"objectType": "DeviceBatch"},
        }


def batches_of(
    seed: str, customer_id: str, company: catalog.Company, policies: list[JsonObject], partner: str
) -> dict[str, Batch]:
    """The batches of one customer by id, in the order in which they are listed."""
    sizes = SIZES[company.holding](source(seed, customer_id, "sizes"))
    batches: dict[str, Batch] = {}
    for ordinal, size in enumerate(sizes):
        rng = source(seed, customer_id, "batch", ordinal)
        created = _created(rng)
        models = tuple(rng.sample(catalog.MODELS, rng.choice((1, 2, 2, 3))))
        name = _unique(_name(rng, company, ordinal, created, models[0].maker), batches)
        policy_key = "id" if rng.random() < 0.15 else "name"
        odd = ordinal if len(sizes) >= _MANY else None
        batches[name] = Batch(
            seed=seed,
            customer_id=customer_id,
            ordinal=ordinal,
            id=name,
            size=size,
            created=created,
            upload_days=min(rng.choice((1, 1, 2, 5, 14)), (NOW - created).days),
            zone=rng.choice(_ZONES),
            models=models,
            policies=tuple(policy[policy_key] for policy in policies),
            without_policy=rng.choice((0.0, 0.02, 0.05, 0.1, 0.3, 0.6)),
            uploaded_by=partner,
            hostile=company.holding == "hostile",
            details=_details(rng, created, odd),
            count=_count(size, company, odd),
        )
    return batches


def _details(rng: Random, created: datetime, odd: int | None) -> JsonObject:
    if odd == 2:
        return {"creationDate": UNKNOWN_DATE}
    return {
        "createdBy": rng.choice(catalog.AGENTS),
        "status": rng.choice(_STATUSES),
        "creationDate": f"{created:%Y-%m-%dT%H:%M:%S}",
    }


def _count(size: int, company: catalog.Company, odd: int | None) -> JsonObject:
    if odd == 4:
        return {"deviceCount": size}
    if odd == 5:
        return {"devicesCount": str(size)}
    # The customer of 100,000 devices has as many by the counts of its batches.
    if odd == 6 and company.name != catalog.HUNDRED_THOUSAND_CUSTOMER:
        return {"devicesCount": size + 7}
    return {"devicesCount": size}


def _shuffled(rng: Random, sizes: Sequence[int]) -> list[int]:
    return rng.sample(sizes, len(sizes))


def _created(rng: Random) -> datetime:
    """Between 2017 and the day before yesterday, recent dates more often."""
    first = datetime(2017, 8, 1, tzinfo=UTC)
    share = rng.random() ** 0.5
    seconds = int(share * (NOW - timedelta(days=2) - first).total_seconds())
    return first + timedelta(seconds=seconds)


def _name(rng: Random, company: catalog.Company, ordinal: int, created: datetime, maker: str) -> str:
    if company.holding == "hostile":
        return hostile.BATCH_IDS[ordinal]
    names = catalog.ODD_BATCH_NAMES
    if company.name == catalog.ODD_BATCH_NAMES_CUSTOMER and ordinal < len(names):
        return names[ordinal]
    if ordinal == 1:
        return rng.choice(names)
    return rng.choice(catalog.BATCH_NAMES).format(
        date=created,
        site=rng.choice(catalog.SITES),
        maker=maker.partition(" ")[0],
        number=4_500_000 + rng.randrange(99_999),
    )


def _unique(name: str, taken: dict[str, Batch]) -> str:
    unique, copy = name, 2
    while unique in taken:
        unique, copy = f"{name} ({copy})", copy + 1
    return unique
