"""The resources of Partner Center that this program reads, one method each."""

from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import quote

from pc_mcp.partner_center import models
from pc_mcp.partner_center.errors import MalformedAnswer
from pc_mcp.partner_center.paging import NextToken, PagedRequest, Pages, pages
from pc_mcp.partner_center.transport import Transport

CUSTOMERS_PER_PAGE = 500


@dataclass(frozen=True, slots=True)
class PartnerCenter:
    """The API as one tool call sees it: all of its requests carry the call's `correlation_id`.

    Every method raises a `PartnerCenterError` (see `errors`).
    Pages hold raw items: read them with the readers of `models`, which never lose a page.
    """

    transport: Transport
    correlation_id: str

    async def account(self) -> str:
        """Whose rights the requests use; see `TokenProvider.account`."""
        return await self.transport.account()

    def customers(self, token: NextToken | None = None) -> Pages:
        """Pages of customers ("Get a list of customers")."""
        request = PagedRequest(f"/customers?size={CUSTOMERS_PER_PAGE}", always_seek=True)
        return self._pages(request, token)

    async def customer(self, customer_id: str) -> models.Customer:
        """One customer ("Get a customer by ID")."""
        path = f"/customers/{segment(customer_id)}"
        customer = models.customer(await self._get(path))
        return customer or self._malformed("It is no customer.")

    def device_batches(self, customer_id: str) -> Pages:
        """Pages of device batches ("Get a list of device batches"); one page as documented."""
        return self._pages(PagedRequest(f"/customers/{segment(customer_id)}/deviceBatches"))

    def devices(self, customer_id: str, batch_id: str, token: NextToken | None = None) -> Pages:
        """Pages of 100 devices of a batch ("Get a list of devices")."""
        path = f"/customers/{segment(customer_id)}/deviceBatches/{segment(batch_id)}/devices"
        return self._pages(PagedRequest(path), token)

    def configuration_policies(self, customer_id: str) -> Pages:
        """Pages of configuration policies ("Get a list of policies"); one page as documented."""
        return self._pages(PagedRequest(f"/customers/{segment(customer_id)}/policies"))

    async def batch_upload_details(self, customer_id: str, batch_tracking_id: str) -> models.BatchUploadDetails:
        """What became of an upload ("Get the status of a device batch upload")."""
        path = f"/customers/{segment(customer_id)}/batchJobStatus/{segment(batch_tracking_id)}"
        details = models.batch_upload_details(await self._get(path))
        return details or self._malformed("It is no upload status.")

    async def _get(self, path: str) -> object:
        return await self.transport.get(path, correlation_id=self.correlation_id)

    def _pages(self, request: PagedRequest, token: NextToken | None = None) -> Pages:
        return pages(self.transport, request, correlation_id=self.correlation_id, token=token)

    def _malformed(self, detail: str) -> NoReturn:
        raise MalformedAnswer(detail, status=200, correlation_id=self.correlation_id)


def segment(text: str) -> str:
    """`text` as one percent-encoded segment of a path: ids are free text, slashes and all."""
    # Text that UTF-8 cannot carry names nothing; a path of dots alone would leave its place.
    encoded = quote(text.encode("utf-8", errors="replace"), safe="")
    return encoded.replace(".", "%2E") if not encoded.strip(".") else encoded
