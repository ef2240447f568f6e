"""The text of a client's file with our entry, or without it; whatever else is there stays as it is."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pc_mcp.commands.install import json_text, toml_text
from pc_mcp.commands.install.clients import AUTHORIZATION, CARRIED, EMPTIED, NAME, Client
from pc_mcp.commands.install.json_text import Malformed
from pc_mcp.runtime.failures import Failure

_OURS = {"type", "command", "args", "url", "headers", "http_headers"}
_ENV = "env"


class FileRefused(Failure):
    """A client's file cannot be changed; it was left as it was."""


class Unchangeable(Malformed):
    """The text is right, but what is to be changed is written in a way that is left to a person."""


@dataclass(frozen=True, slots=True)
class ClientText:
    """The text of a client's file. Every method raises `Malformed` where it is not what the client reads."""

    client: Client
    text: str

    def parsed(self) -> dict[str, Any]:
        """What the file says; the shape of it is checked."""
        if self.client.format == "toml":
            root = toml_text.parse(self.text)
        else:
            root = json_text.parse(self.text, comments=self.client.format == "jsonc")
        section = root.get(self.client.section, {})
        if not isinstance(section, dict):
            raise Malformed(self._line_of(self.client.section), f"{self.client.section} is no {self._object}")
        if NAME in section and not isinstance(section[NAME], dict):
            raise Malformed(self._line_of(NAME), f"{self.client.section}.{NAME} is no {self._object}")
        return root

    def entry(self) -> dict[str, Any] | None:
        """Our entry, if there is one."""
        entry: dict[str, Any] | None = self.parsed().get(self.client.section, {}).get(NAME)
        return entry

    def with_entry(self, entry: Mapping[str, Any]) -> str:
        """The text with our entry. What a person added to it, such as `env`, is kept."""
        old = self.entry()
        # An entry of another kind, such as one with a URL, has nothing that could be kept.
        kept = old if old and "command" in old and "command" in entry else {}
        root = self.parsed()
        if old == entry:
            return self.text
        entry = self._merged(kept, entry)
        wanted = {**root, self.client.section: {**root.get(self.client.section, {}), NAME: {**kept, **entry}}}
        changes = {key: value for key, value in entry.items() if kept.get(key) != value}
        path = (self.client.section, NAME)
        if self.client.format == "toml":
            text = toml_text.put(toml_text.cut(self.text, path) if old and not kept else self.text, path, changes)
        elif kept:
            text = self.text
            for place, value in _members(changes, kept):
                text = json_text.put(text, (*path, *place), value, comments=self._comments)
        else:
            text = json_text.put(self.text, path, dict(entry), comments=self._comments)
        return self._checked(text, wanted)

    def _merged(self, kept: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
        """`entry` with the variables that a person added to what is there."""
        merged = dict(entry)
        if isinstance(own := kept.get(_ENV), dict) and _ENV in merged:
            emptied = {name: value for name, value in own.items() if name in EMPTIED}
            merged[_ENV] = {**own, **merged[_ENV], **emptied}
        forwards = self.client.forwards
        if forwards and isinstance(listed := kept.get(forwards), list):
            merged[forwards] = [
                *listed,
                *(name for name in merged[forwards] if name not in self.client.forwarded(kept)),
            ]
        return merged

    def without_entry(self, earlier: Iterable[str] = ()) -> str:
        """The text without our entry, which must be there.

        earlier: texts from before the entry was made: where putting it into one of them gives the
        present text, that one is given back, so that nothing that was made for the entry remains.
        """
        root = self.parsed()
        section = dict(root[self.client.section])
        del section[NAME]
        for text in earlier:
            if self.comes_from(text):
                return text
        path = (self.client.section, NAME)
        if self.client.format == "toml":
            text = toml_text.cut(self.text, path)
        else:
            text = json_text.cut(self.text, path, comments=self._comments)
        return self._checked(text, {**root, self.client.section: section})

    def comes_from(self, earlier: str) -> bool:
        """Whether this is the text `earlier` with our entry, to which nobody added anything."""
        entry, before = self.entry(), ClientText(self.client, earlier)
        if entry is None or not self._is_ours(entry):
            return False
        try:
            return before.entry() is None and before.with_entry(entry) == self.text
        except Malformed:
            return False

    def _is_ours(self, entry: Mapping[str, Any]) -> bool:
        """Whether nobody but `install` can have written it."""
        own = entry.get(_ENV, {})
        if not isinstance(own, dict) or own != _our_variables(own) or any(own.get(name) for name in EMPTIED):
            return False
        rest = entry.keys() - _OURS - {_ENV}
        if self.client.forwards not in rest:
            return not rest
        listed = entry[self.client.forwards]
        return rest == {self.client.forwards} and isinstance(listed, list) and all(map(self.client.may_forward, listed))

    def own_lines(self) -> str:
        """Our entry alone, if there is one; of what a person added to it the names."""
        entry = self.entry()
        if entry is None:
            return ""
        ours = {key: value for key, value in entry.items() if key in _OURS or key == self.client.forwards}
        added = sorted(entry.keys() - ours.keys())
        if isinstance(own := entry.get(_ENV), dict) and (variables := _our_variables(own)):
            ours[_ENV] = variables
            added = [name for name in added if name != _ENV] + [
                f"{_ENV}.{name}" for name in own.keys() - variables.keys()
            ]
        return self.snippet(ours) + (f"# and: {', '.join(added)}\n" if added else "")

    def snippet(self, entry: Mapping[str, Any]) -> str:
        """Our entry alone, as the client's file would have it, but for the secret that it sends over HTTP."""
        if (headers := self.client.headers) and headers in entry:
            entry = {**entry, headers: {AUTHORIZATION: "Bearer SECRET"}}
        path = (self.client.section, NAME)
        if self.client.format == "toml":
            return toml_text.put("", path, entry)
        return json.dumps({path[0]: {path[1]: dict(entry)}}, ensure_ascii=False) + "\n"

    def _checked(self, text: str, wanted: Mapping[str, Any]) -> str:
        """`text`, if it says exactly what is wanted."""
        try:
            found = ClientText(self.client, text).parsed()
        except Malformed:
            found = {}
        if {self.client.section: {}, **found} != wanted:
            raise Unchangeable(
                self._line_of(NAME if NAME in self.text else self.client.section),
                f"{self.client.section} is written in a way that cannot be changed safely",
            )
        return text

    @property
    def _comments(self) -> bool:
        return self.client.format == "jsonc"

    @property
    def _object(self) -> str:
        return "table" if self.client.format == "toml" else "object"

    def _line_of(self, word: str) -> int:
        return self.text.count("\n", 0, max(0, self.text.find(word))) + 1


def _our_variables(own: Mapping[str, Any]) -> dict[str, Any]:
    """Those of an entry's variables that `install` may have written."""
    return {name: value for name, value in own.items() if name in {*CARRIED, *EMPTIED}}


def _members(changes: Mapping[str, Any], kept: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Where in an entry something changes, and to what; beside a person's own variables each of ours by itself."""
    for key, value in changes.items():
        if key == _ENV and isinstance(own := kept.get(_ENV), dict):
            yield from (((key, name), each) for name, each in value.items() if own.get(name) != each)
        else:
            yield (key,), value
