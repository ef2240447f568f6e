"""Why a question cannot be answered as it was asked, and the one rule for what does not exist.

QuestionError
├── Unknown             what was named does not exist, or cannot be told from what does not
│   ├── UnknownCustomer no customer has this id, domain or name
│   ├── UnknownBatch    neither the customer's list nor the service knows this batch
│   └── UnknownUpload   the customer has no upload with this tracking id
├── AmbiguousCustomer   several customers are called so
├── AmbiguousBatch      several batches are called so, or have a name with it
├── UnusableIdentifiers nothing can be looked up, or too much at once
├── CursorRefused       a cursor that is forged, of another question, or of a list that is gone
└── TimeIsUp            the call's time ended before there was anything to answer with
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pc_mcp.auth import SignInError
from pc_mcp.partner_center import PartnerCenterError
from pc_mcp.partner_center.errors import CustomerNotFound, NotFound, NotKnownOrRefused


class QuestionError(Exception):
    """The root of the tree. `str(error)` says what is wrong and what would be right."""


class Unknown(QuestionError):
    """What was named does not exist, or cannot be told from what does not."""


class UnknownCustomer(Unknown):
    pass


class AmbiguousCustomer(QuestionError):
    pass


class UnknownBatch(Unknown):
    pass


class AmbiguousBatch(QuestionError):
    pass


class UnknownUpload(Unknown):
    pass


class UnusableIdentifiers(QuestionError):
    pass


class CursorRefused(QuestionError):
    pass


class TimeIsUp(QuestionError):
    pass


@contextmanager
def asking_for(error_type: type[Unknown], named: str, hint: Callable[[], str]) -> Iterator[None]:
    """Turns Partner Center's word that there is no such thing into `error_type`, and leaves every other error alone.

    Only 404 means that something does not exist; 400 with code 2000 or 3000 means that it is not known or is
    refused. named: the thing, such as `batch "Lot"`; hint: what to do next.
    """
    try:
        yield
    except CustomerNotFound:
        raise
    except NotFound as error:
        words, facts = f"The customer has no {named}.", error.facts
    except NotKnownOrRefused as error:
        words, facts = f"Partner Center does not know the {named} of this customer, or refuses it.", error.facts
    else:
        return
    raise error_type(" ".join([words, hint(), facts]))


EXPECTED_ERRORS = (QuestionError, PartnerCenterError, SignInError)
"""The roots of what may end a call and says to whoever asks what to do. Any other error is a fault of the program."""
