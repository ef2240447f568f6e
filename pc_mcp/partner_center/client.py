"""The resources of Partner Center that this program reads, one method each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from pc_mcp.auth import Account
from pc_mcp.partner_center import models, shapes
from pc_mcp.partner_center.body import NotReadable, parsed
from pc_mcp.partner_center.collections import Collection, collection, devices
from pc_mcp.partner_center.errors import UnsafeId
from pc_mcp.partner_center.paging import NextToken, PagedRequest, Pages, pages
from pc_mcp.partner_center.transport import Transport
from pc_mcp.runtime.ids import id_key

CUSTOMERS_PER_PAGE = 500
MOST_DEVICES = 10_000_000
MOST_BYTES = 8 * 2**30
"""Of the devices of one batch, which are not held as they came."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PartnerCenter:
    """The API as one tool call sees it: all of its requests are made in the name of the call's account, and carry its
    `correlation_id`.

    Every method raises a `PartnerCenterError` (see `errors`), or `AccountChanged`.
    """

    transport: Transport
    account: Account
    correlation_id: str

    def customers(self, token: NextToken | None = None) -> Pages[models.Customer]:
        """Pages of customers ("Get a list of customers")."""
        path = f"/customers?size={CUSTOMERS_PER_PAGE}"
        return self._pages(PagedRequest(path, _pages_of(models.customer), always_seek=True), token)

    async def customer(self, customer_id: str) -> models.Customer:
        """One customer ("Get a customer by ID")."""
        path = f"/customers/{segment(customer_id)}"
        return await self._get(path, _one(models.customer, "customer", lambda found: found.id, customer_id))

    def device_batches(self, customer_id: str) -> Pages[models.DeviceBatch]:
        """Pages of device batches ("Get a list of device batches"); one page as documented."""
        path = f"/customers/{segment(customer_id)}/deviceBatches"
        return self._pages(PagedRequest(path, _pages_of(models.device_batch)))

    def devices(self, customer_id: str, batch_id: str, token: NextToken | None = None) -> Pages[models.Device]:
        """Pages of 100 devices of a batch ("Get a list of devices")."""
        path = f"/customers/{segment(customer_id)}/deviceBatches/{segment(batch_id)}/devices"
        return self._pages(PagedRequest(path, devices, most_items=MOST_DEVICES, most_bytes=MOST_BYTES), token)

    def configuration_policies(self, customer_id: str) -> Pages[models.ConfigurationPolicy]:
        """Pages of configuration policies ("Get a list of policies"); one page as documented."""
        path = f"/customers/{segment(customer_id)}/policies"
        return self._pages(PagedRequest(path, _pages_of(models.configuration_policy)))

    async def batch_upload_details(self, customer_id: str, batch_tracking_id: str) -> models.BatchUploadDetails:
        """What became of an upload ("Get the status of a device batch upload")."""
        path = f"/customers/{segment(customer_id)}/batchJobStatus/{segment(batch_tracking_id)}"
        return await self._get(path, _upload_of(batch_tracking_id))

    async def _get(self, path: str, read: Callable[[bytes], T]) -> T:
        return await self.transport.get(path, read, account=self.account, correlation_id=self.correlation_id)

    def _pages(self, request: PagedRequest[T], token: NextToken | None = None) -> Pages[T]:
        return pages(self.transport, request, account=self.account, correlation_id=self.correlation_id, token=token)


def segment(text: str) -> str:
    """`text` as one percent-encoded segment of a path: ids are free text, slashes and all.

    Raises `UnsafeId` for what servers take for the way to another path, however it is encoded.
    """
    if text in {".", ".."}:
        raise UnsafeId
    # Text that UTF-8 cannot carry names nothing.
    return quote(text.encode("utf-8", errors="replace"), safe="")


def _pages_of(read: Callable[[object], T | None]) -> Callable[[bytes], Collection[T]]:
    return partial(collection, read=read)


def _one(
    read: Callable[[object], T | None], what: str, id_of: Callable[[T], str | None], asked: str
) -> Callable[[bytes], T]:
    """What `read` makes of the one thing that was asked for by the id `asked`, and of nothing else."""

    def value_of(body: bytes) -> T:
        value = parsed(body)
        found = None if isinstance(value, dict) and shapes.says_error(value) else read(value)
        if found is None:
            raise NotReadable(f"It is no {what}.")
        if id_key(id_of(found) or asked) != id_key(asked):
            raise NotReadable(f"It is the {what} of another id than was asked for.")
        return found

    return value_of


def _upload_of(batch_tracking_id: str) -> Callable[[bytes], models.BatchUploadDetails]:
    """Reads the status of that upload. Its rows come in one answer, as documented; of more it is said that they are
    there."""

    def details(value: object) -> models.BatchUploadDetails | None:
        found = models.batch_upload_details(value)
        fields = value.items() if isinstance(value, dict) else ()
        around = {name: said for name, said in fields if name.strip() != "devicesStatus"}
        follows = shapes.goes_on(around) or bool(shapes.tokens(around))
        return replace(found, goes_on=follows) if found else None

    return _one(details, "upload status", lambda found: found.batch_tracking_id, batch_tracking_id)
