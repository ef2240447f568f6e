"""The customers that are measured: the sandbox's devices, in as many batches as a figure needs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from pc_mcp.sandbox import catalog
from pc_mcp.sandbox.batches import Batch
from pc_mcp.sandbox.devices import device_page, page_count
from pc_mcp.sandbox.pages import collection, page_token
from pc_mcp.sandbox.seeded import NOW, guid, source

SEED = 2026
MOST_DEVICES_OF_AN_UPLOAD = 500
DEVICES_A_PAGE = 100


@dataclass(frozen=True)
class BenchCustomer:
    """A customer with `devices` devices in batches of `batch_size`, which the service gives in pages of
    `page_size` (some hundreds); `answers` are those about it."""

    name: str
    devices: int
    batch_size: int = MOST_DEVICES_OF_AN_UPLOAD
    page_size: int = DEVICES_A_PAGE

    @property
    def id(self) -> str:
        return str(uuid5(NAMESPACE_URL, self.name))

    @property
    def pages(self) -> int:
        """Pages of devices, of all batches together."""
        return sum(-(-batch.size // self.page_size) for batch in self.batches)

    @cached_property
    def batches(self) -> tuple[Batch, ...]:
        sizes = [min(self.batch_size, self.devices - first) for first in range(0, self.devices, self.batch_size)]
        return tuple(self._batch(ordinal, size) for ordinal, size in enumerate(sizes))

    def device_pages(self, batch: Batch) -> Iterator[bytes]:
        """The pages of one batch as the service sends them, each with the token of the next."""
        hundreds, at_once = page_count(batch.size), self.page_size // DEVICES_A_PAGE
        for number, first in enumerate(range(0, hundreds, at_once), 1):
            together = range(first, min(first + at_once, hundreds))
            body = collection([device for hundred in together for device in device_page(batch, hundred + 1)])
            if together.stop < hundreds:
                body["continuationToken"] = page_token(SEED, f"{self.id} {batch.id}", number + 1)
            yield _json(body)

    def answers(self) -> Iterator[tuple[str, str, bytes]]:
        """(path, continuation token, body) of everything that can be asked about the customer."""
        root = f"/v1/customers/{self.id}"
        profile = {"tenantId": self.id, "companyName": self.name, "domain": f"{self.id[:8]}.example"}
        yield root, "", _json({"id": self.id, "companyProfile": profile, "relationshipToPartner": "reseller"})
        yield f"{root}/deviceBatches", "", _json(collection([batch.listed for batch in self.batches]))
        policies = [{"id": name, "name": name, "category": "o_o_b_e"} for name in catalog.POLICY_NAMES]
        yield f"{root}/policies", "", _json(collection(policies))
        for batch in self.batches:
            path = f"{root}/deviceBatches/{quote(batch.id, safe='')}/devices"
            for number, body in enumerate(self.device_pages(batch), 1):
                yield path, page_token(SEED, f"{self.id} {batch.id}", number) if number > 1 else "", body

    def _batch(self, ordinal: int, size: int) -> Batch:
        rng = source(SEED, self.id, ordinal)
        created = NOW - timedelta(days=rng.randrange(2, 2000), minutes=rng.randrange(1440))
        return Batch(
            seed=str(SEED),
            customer_id=self.id,
            ordinal=ordinal,
            id=f"Rollout {created:%Y-%m} {rng.choice(catalog.SITES)} {ordinal + 1:04d}",
            size=size,
            created=created,
            upload_days=rng.choice((1, 1, 2, 5, 14)),
            zone=timedelta(hours=-7),
            models=tuple(rng.sample(catalog.MODELS, 6)),
            policies=catalog.POLICY_NAMES,
            without_policy=rng.choice((0.0, 0.02, 0.1, 0.3)),
            uploaded_by=guid(source(SEED, "partner")),
            hostile=False,
            details={"createdBy": rng.choice(catalog.AGENTS), "status": "finished"}
            | {"creationDate": f"{created:%Y-%m-%dT%H:%M:%S}"},
            count={"devicesCount": size},
        )


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
