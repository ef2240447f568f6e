"""Why a question cannot be answered as it was asked.

QuestionError
├── UnknownCustomer     no customer has this id, domain or name
├── AmbiguousCustomer   several customers do
├── UnknownBatch        neither the customer's list nor the service knows this batch
├── AmbiguousBatch      several batches differ from it in case or hidden characters only
├── UnknownUpload       the customer has no upload with this tracking id
├── CursorRefused       a cursor that is forged, of another question, or of a list that is gone
└── TimeIsUp            the call's time ended before there was anything to answer with
"""


class QuestionError(Exception):
    """The root of the tree. `str(error)` says what is wrong and what would be right."""


class UnknownCustomer(QuestionError):
    pass


class AmbiguousCustomer(QuestionError):
    pass


class UnknownBatch(QuestionError):
    pass


class AmbiguousBatch(QuestionError):
    pass


class UnknownUpload(QuestionError):
    pass


class CursorRefused(QuestionError):
    pass


class TimeIsUp(QuestionError):
    pass
