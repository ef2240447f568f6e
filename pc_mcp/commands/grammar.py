"""How the command line is read: one text of help on every version of Python and on every terminal, and
words that name the nearest command or option where one is misspelt."""

import argparse
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NoReturn

from pc_mcp.runtime.nearest_name import did_you_mean

_WIDTH = 79
_COLUMN = 26  # where what an option does begins

MEANT = {
    **dict.fromkeys(("connect", "setup", "set-up", "config", "configure", "configuration", "add", "init"), "install"),
    **dict.fromkeys(("disconnect", "remove", "delete", "rm"), "uninstall"),
    **dict.fromkeys(("signin", "sign-in", "sign_in", "auth"), "login"),
    **dict.fromkeys(("signout", "sign-out", "sign_out"), "logout"),
    **dict.fromkeys(("start", "run", "server", "mcp"), "serve"),
    **dict.fromkeys(("check", "diagnose", "test"), "doctor"),
    **dict.fromkeys(("whoami", "who"), "status"),
    **dict.fromkeys(("try", "example", "examples"), "demo"),
}
"""The command that is meant by a word that others have for it."""
LIKE_NONE = frozenset({"list", "ls"})
"""Words that look like a command and mean none."""


class Parser(argparse.ArgumentParser):
    """A command, or all of them, whose help is laid out here: each version of argparse has a layout of its own.

    first: the commands that a newcomer wants.
    """

    first: Sequence[str] = ()

    def format_usage(self) -> str:
        """The line that shows how it is called."""
        return f"usage: {self._call()}\n"

    def format_help(self) -> str:
        """What it is for, and each word that it takes, in lines of at most 79 characters."""
        positionals = [action for action in self._actions if not action.option_strings and _is_shown(action)]
        options = [action for action in self._actions if action.option_strings and _is_shown(action)]
        parts = [f"usage: {self._call()}", textwrap.fill(self.description or "", _WIDTH)]
        commands = _commands(self)
        for title, names in self.groups(commands):
            parts.append(_table(title, [(name, commands[name]) for name in names], max(map(len, commands))))
        words = [(_name(action), action.help or "") for action in positionals if action.choices is None]
        parts += [_table("arguments", words)] if words else []
        parts.append(_table("options", [(_invocation(action), action.help or "") for action in options]))
        return "\n\n".join(parts) + "\n"

    def groups(self, commands: Mapping[str, str]) -> Iterator[tuple[str, Sequence[str]]]:
        """The commands by title, in order."""
        if commands:
            first = [name for name in self.first if name in commands]
            yield "begin with", first
            yield "further commands", [name for name in commands if name not in first]

    def _call(self) -> str:
        positionals = [action for action in self._actions if not action.option_strings and _is_shown(action)]
        words = [f"[{_name(action)}]" if action.nargs == "?" else _name(action) for action in positionals]
        order = [*words, "[options]"] if _commands(self) else ["[options]", *words]
        return " ".join([self.prog, *order])

    def error(self, message: str) -> NoReturn:
        """Ends the program with what is wrong, in one line, and where to read more."""
        program, _, command = self.prog.partition(" ")
        self.exit(2, f"{self.prog}: {message}\nSee: {' '.join(filter(None, [program, 'help', command]))}\n")

    def parsed(self, arguments: Sequence[str]) -> argparse.Namespace:
        """What the words of a command line mean; ends the program, with 2, where they mean nothing."""
        commands = subcommands(self)
        if arguments and arguments[0].startswith("-"):
            self._check_first(arguments[0].partition("=")[0], commands.values())
        word = next((word for word in arguments if not word.startswith("-")), None)
        if word is not None and word not in commands:
            self.unknown_command(word)
        place = commands[word] if word else self
        for each in arguments:  # before what follows it is taken for something else
            if each.startswith("--") and not place.knows(each.partition("=")[0]):
                place._unknown(each)
        options, left = self.parse_known_args(arguments)
        if left:
            place._unknown(left[0])
        return options

    def _check_first(self, option: str, commands: "Iterable[Parser]") -> None:
        """Ends the program over an option of a command that stands before it."""
        if not self.knows(option) and any(option in command.options() for command in commands):
            self.error(f"{option} stands after the command: {self.prog} COMMAND {option}")

    def knows(self, option: str) -> bool:
        """Whether it is an option, or the beginning of one."""
        return any(known.startswith(option) for known in self.options())

    def options(self) -> list[str]:
        """Every option, as it is written."""
        return [option for action in self._actions for option in action.option_strings]

    def unknown_command(self, word: str) -> NoReturn:
        """Ends the program, naming the nearest command."""
        meant = MEANT.get(word.casefold().strip("-"), "")
        hint = f" Did you mean {meant}?" if meant else did_you_mean(word, subcommands(self))
        self.error(f"there is no command {word!r}.{'' if word.casefold() in LIKE_NONE else hint}")

    def _unknown(self, word: str) -> NoReturn:
        """Ends the program over a word that is left."""
        kind = "option" if word.startswith("-") else "argument"
        self.error(f"there is no {kind} {word!r} here.{did_you_mean(word.partition('=')[0], self.options())}")


def subcommands(parser: argparse.ArgumentParser) -> Mapping[str, Parser]:
    """The parser of each command."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _commands(parser: argparse.ArgumentParser) -> dict[str, str]:
    """What each command does, in a few words."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return {each.dest: each.help or "" for each in action._choices_actions}
    return {}


def _is_shown(action: argparse.Action) -> bool:
    return action.help != argparse.SUPPRESS


def _name(action: argparse.Action) -> str:
    return str(action.metavar or action.dest)


def _invocation(action: argparse.Action) -> str:
    """An option as it is written, such as `-h, --help` or `--config FILE`."""
    if action.nargs == 0:
        return ", ".join(action.option_strings)
    value = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else _name(action)
    return f"{', '.join(action.option_strings)} {value}"


def _table(title: str, rows: Sequence[tuple[str, str]], width: int = 0) -> str:
    """Words and what each is for, in two columns, of which the first has at least `width` characters."""
    column = min(_COLUMN, max(width, *(len(word) for word, _ in rows)) + 4)
    lines = [f"{title}:"]
    for word, text in rows:
        begin = f"  {word}"
        if len(begin) > column - 2:
            lines.append(begin)
            begin = ""
        wrapped = textwrap.wrap(text, _WIDTH - column) or [""]
        lines.append(f"{begin:<{column}}{wrapped[0]}".rstrip())
        lines += [" " * column + line for line in wrapped[1:]]
    return "\n".join(line for line in lines if line)


def address(text: str) -> tuple[str, int]:
    """A host and a port."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or len(port) > 9 or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no HOST:PORT, such as 127.0.0.1:8700")
    return host.strip("[]"), int(port)


def number(text: str) -> int:
    """A whole number from 0 up."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 up")
    return int(text)


def seconds(text: str) -> int:
    """A time limit."""
    if not 1 <= (found := number(text)) <= 300:
        raise argparse.ArgumentTypeError("1 to 300 seconds")
    return found


def milliseconds(text: str) -> int:
    """A delay."""
    if (found := number(text)) > 60_000:
        raise argparse.ArgumentTypeError("at most 60000 milliseconds")
    return found


def percent(text: str) -> int:
    """A share."""
    if (found := number(text)) > 100:
        raise argparse.ArgumentTypeError("at most 100 percent")
    return found
