"""The question what became of an upload of devices."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from pc_mcp.inventory.errors import UnknownUpload, asking_for
from pc_mcp.inventory.product_keys import masked, without_key
from pc_mcp.inventory.questions.completeness import Missing, NextStep, next_step
from pc_mcp.inventory.reading.inventory import Call
from pc_mcp.inventory.text import quoted
from pc_mcp.partner_center.errors import Remedy
from pc_mcp.partner_center.models import BatchUploadDetails, Customer, DeviceUploadDetails, is_error
from pc_mcp.runtime.text import visible_or_none

# "Device deployment resources" and its error codes: what a row's `errorCode` means.
ROW_ERRORS = {
    "801": "bad request body",
    "802": "bad hardware hash",
    "803": "neither serial number nor product key was given",
    "806": "already registered to this tenant",
    "807": "not registered",
    "808": "assigned to another tenant",
    "809": "profile not registered",
    "810": "profile assigned to another tenant",
    "811": "registered by another tenant",
    "812": "not found: maker, model and serial number match no hardware hash",
    "813": "not unique",
    "814": "already registered in Entra",
}

_WHERE_FROM = (
    "The tracking id is the GUID at the end of the Location header with which Partner Center answered the upload; "
    "it is not the name of a batch."
)


State = Literal["finished", "failed", "running", "not known"]

_STATES: dict[str, State] = {
    "finished": "finished",
    **dict.fromkeys(("finishedwitherrors", "error", "errors", "failed", "failure", "rejected"), "failed"),
    **dict.fromkeys(("canceled", "cancelled", "aborted"), "failed"),
    **dict.fromkeys(("queued", "pending", "processing", "inprogress", "running"), "running"),
}
"""The documented statuses, and what else can mean nothing else, without the marks between their words."""

RUNNING_SECONDS = 120.0
STUCK = (
    "The upload has been running since {:%Y-%m-%d %H:%M} UTC, for more than a day: it is called stuck, and asking "
    "again may not help. Say what is missing."
)
_STUCK_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as the service describes it now; product keys are as they may be shown.

    state: of the upload, as `state_of` says for a device; states: how many devices are in each state;
    next_step: what to do about what is missing of its rows; problems: what is missing; is_stuck: it has been running
    for more than a day.
    """

    customer: Customer
    as_of: datetime
    batch_tracking_id: str
    details: BatchUploadDetails
    state: State
    states: Mapping[State, int]
    next_step: NextStep | None
    problems: Sequence[Missing]
    is_stuck: bool


async def upload_status(call: Call, customer: Customer, batch_tracking_id: str) -> Upload:
    """Read anew each time, since it changes. Raises `UnknownUpload` where there is none."""
    named = f"upload with the tracking id {quoted(batch_tracking_id)}"
    with asking_for(UnknownUpload, named, lambda: _WHERE_FROM), call.in_time():
        details = await call.partner_center.batch_upload_details(customer.id, batch_tracking_id)
    reveal = call.inventory.reveal_product_keys
    return await call.off_the_loop(lambda: _upload(customer, batch_tracking_id, details, reveal=reveal))


def _upload(customer: Customer, batch_tracking_id: str, details: BatchUploadDetails, *, reveal: bool) -> Upload:
    devices = tuple(
        replace(
            device,
            product_key=masked(device.product_key, reveal=reveal),
            error_description=device.error_description if reveal else _without_own_key(device),
        )
        for device in details.devices
    )
    state, states = _state(details.status), Counter(map(state_of, devices))
    as_of = datetime.now(UTC)
    is_stuck = state == "running" and details.started is not None and as_of - details.started > _STUCK_AFTER
    problems = _missing(details, state, states)
    step = next_step(problems, unreadable=details.unreadable)
    if step and is_stuck:
        step = NextStep("none", None, STUCK.format(details.started))
    return Upload(
        customer,
        as_of,
        batch_tracking_id,
        replace(details, devices=devices),
        state,
        states,
        step,
        problems,
        is_stuck,
    )


def state_of(device: DeviceUploadDetails) -> State:
    """What became of a device. A `finished` upload may hold devices that failed, and a device an error
    whatever its status."""
    if error_of(device):
        return "failed"
    state = _state(device.status)
    # Words about an error beside neither a code nor the word that there is none: one of them is wrong.
    doubtful = device.error_code is None and is_error(device.error_description)
    return "not known" if state == "finished" and doubtful else state


def error_of(device: DeviceUploadDetails) -> str | None:
    """The code of the device's error, if it has one."""
    return device.error_code if is_error(device.error_code) else None


def _state(status: str | None) -> State:
    return _STATES.get("".join(filter(str.isalnum, status or "")).casefold(), "not known")


def _missing(details: BatchUploadDetails, state: State, states: Mapping[State, int]) -> list[Missing]:
    """What an upload says that it has, and that its rows do not show."""
    rows, expected = len(details.devices) + details.unreadable, details.devices_expected
    over = state in {"finished", "failed"}
    missing = []
    if not rows:
        missing.append("The answer has no rows, so what became of the devices is not known.")
    if expected is not None and rows != expected and rows:
        missing.append(f"The upload is said to have {expected:,} devices, and its answer has rows for {rows:,}.")
    if state == "failed" and rows and not states.get("failed"):
        missing.append("The upload is said to have errors, and no row shows one.")
    if details.goes_on:
        missing.append("The answer says that more rows follow, and not how to ask for them.")
    if not over and rows and not states.get("running"):
        missing.append("The upload does not say that it has ended, so there may be more rows to come.")
    remedy: Remedy = "none" if over else "ask_again"
    return [Missing(reason, None, remedy=remedy, seconds=RUNNING_SECONDS) for reason in missing]


def _without_own_key(device: DeviceUploadDetails) -> str | None:
    """What the service says of a device; it may name its product key."""
    words = visible_or_none(device.error_description)
    return words and without_key(words, visible_or_none(device.product_key))
