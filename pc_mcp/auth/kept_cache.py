"""MSAL's cache and the file that it is kept in: read where another process wrote it, written where it changed."""

from dataclasses import replace

from pc_mcp.auth.account_cache import AccountCache
from pc_mcp.auth.keeping import Keeping
from pc_mcp.auth.token_file import Content, Damaged, FoundKey, TokenFile
from pc_mcp.runtime.private_files import Identity, why


class KeptCache:
    """Used within the lock of `TokenStore`, but for `changed`.

    keeping: whether and how the file is used; gives_way: whether what is in the file is not read, and gives way to the
    next sign-in.
    """

    def __init__(self, file: TokenFile, keeping: Keeping, *, gives_way: bool) -> None:
        self.file = file
        self.keeping = keeping
        self.gives_way = gives_way
        self.cache = AccountCache()
        self._read: Identity | None = None

    @property
    def changed(self) -> bool:
        """Whether another process has written the file since it was last read."""
        if self.keeping.place == "memory":
            return False
        try:
            return self.file.identity() != self._read
        except OSError:
            return True

    def try_out(self) -> None:
        """Finds out whether a sign-in would be kept, which `keeping` says then."""
        if self.keeping.place == "memory":
            return
        try:
            self.file.try_out()
        except OSError as error:
            self.keeping = self.keeping.not_written(why(error))
        else:
            if not self.keeping.is_kept:
                self.keeping = self.keeping.written()

    def load(self) -> None:
        """Reads the file if it is another than the one last read or written."""
        try:
            identity = self.file.identity()
            if identity == self._read:
                return
            if self.gives_way:  # what is there is not read, and gives way to the next sign-in
                return
            content, identity = self.file.read(self.keeping.key)
        except FileNotFoundError:
            self.cache.take(None, {})  # another process signed everybody out
            self._read = None
        except FoundKey:
            self.keeping = self.keeping.given_up("was encrypted with another key; it is left alone")
        except OSError as error:
            self.keeping = self.keeping.given_up(f"cannot be read ({why(error)})")
        except Damaged:
            self._move_aside()
        else:
            self._take(content, identity)

    def _take(self, content: Content, identity: Identity) -> None:
        """What was read counts from now on, unless it is not to be trusted."""
        if not self.keeping.trusts(content):
            self.keeping = self.keeping.given_up(
                "is not encrypted although the keyring has a key to it; it is left alone"
            )
            return
        self.cache.take(content.cache, content.extra)
        self._read = identity
        if content.is_open:
            self._close_to_others()
        if self.keeping.key and not content.encrypted:
            self.cache.has_state_changed = True
            self.remark("The token store was not encrypted; it is now.")

    def _close_to_others(self) -> None:
        now = "now they cannot" if self.file.close_to_others() else "and its file system does not let that be changed"
        self.remark(f"Other accounts of this computer could read the token store {self.file.path}; {now}.")
        self._read = self.file.identity()

    def _move_aside(self) -> None:
        try:
            aside = self.file.move_aside()
        except OSError as error:
            self.keeping = self.keeping.given_up(f"is damaged and cannot be moved aside ({why(error)})")
            return
        self.keeping = self.keeping.moved_aside(aside.name)
        self._read = None

    def remark(self, words: str) -> None:
        """Says what was mended, which a person should know all the same."""
        self.keeping = self.keeping.remarking(words)

    def save(self) -> None:
        try:
            self._read = self.file.write(self.cache.sections(), self.cache.extra, self.keeping.key)
        except OSError as error:
            self.cache.has_state_changed = True  # the next call tries again
            self.keeping = self.keeping.not_written(why(error))
            return
        self.gives_way = False
        self.keeping = replace(self.keeping.written(), key_is_new=False)
