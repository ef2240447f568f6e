"""What ends a command with words and an exit status, and no traceback."""


class Failure(Exception):
    """The text is for the person at the command line; `exit_status` is the command's."""

    exit_status = 1


class AddressRefused(Failure):
    """Nothing can listen there; the text says why."""
