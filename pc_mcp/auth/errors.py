"""Why there is no access token, and what to do about it.

SignInError
├── NotConfigured        a setting is missing
├── SignInNeeded         a person has to act: the text says how, `url` where
├── SignInRefused        the sign-in service, or a check here, says no: the text says why
├── AccountChoiceNeeded  several accounts are signed in and none is chosen
├── AccountChanged       who asked was signed out, or another account signed in, before the answer was there
└── SignInUnavailable    the sign-in service cannot be reached, or fails
"""


class SignInError(Exception):
    """The root of the tree. `str(error)` says what happened and what to do next. Holds no secret."""


class NotConfigured(SignInError):
    pass


class SignInNeeded(SignInError):
    """A sign-in was begun and waits for a person, who is to do what `instruction` says. `url` is
    where, without any name of an account; `number` tells this sign-in from the others of the process."""

    def __init__(self, instruction: str, url: str, number: int = 0) -> None:
        super().__init__(f"{instruction} Then ask the same again.")
        self.instruction = instruction
        self.url = url
        self.number = number


class SignInRefused(SignInError):
    pass


class AccountChoiceNeeded(SignInError):
    pass


class AccountChanged(SignInError):
    """Ends a call that began as one account: nothing more is asked in its name, and nothing in another's."""


class SignInUnavailable(SignInError):
    pass
