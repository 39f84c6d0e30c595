"""What was mistyped on the command line, said as any other error: what stands there, what may, what to type."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, NoReturn

from funnelnb.core.errors import ParameterError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERS = {int: "a whole number", float: "a number"}
_CHOICE = re.compile(r"invalid choice: (['\"]?)(?P<given>.*?)\1 \(choose from")
_TYPE = re.compile(r"invalid \w+ value: (?P<given>.*)", re.DOTALL)
_SHORT = re.compile(r"ambiguous option: (?P<given>\S+?)(?:=.*)? could match (?P<known>.*)")
_NEEDLESS = re.compile(r"ignored explicit argument (?P<given>.*)", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """A parser that raises :class:`ParameterError` for what is mistyped, instead of ending the process.

    ``lang`` is the language in which descriptions of arguments are quoted; ``commands`` has the parser of each command.
    """

    def __init__(self, **named: Any) -> None:
        super().__init__(**{**named, "exit_on_error": False})
        self.lang = "en"
        self.commands: dict[str, Parser] = {}

    @property
    def command(self) -> str:
        """Return the name of this command without that of the program; empty for the program itself."""
        return self.prog.partition(" ")[2]

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read arguments as argparse does.

        Raises
        ------
        ParameterError
            An option has no value or a wrong one, or something that is needed is missing.
        """
        try:
            return super().parse_known_args(args, namespace)
        except argparse.ArgumentError as error:
            raise self._mistake(error.argument_name, error.message) from None

    def error(self, message: str) -> NoReturn:
        """Raise what argparse says without naming one argument: that some are missing."""
        raise self._mistake(None, message)

    def stray(self, words: Sequence[str]) -> ParameterError:
        """Return what to tell of words that this command, or the program without a command, has no use for.

        Examples
        --------
        >>> parser = Parser(prog="funnelnb new")
        >>> _ = parser.add_argument("folder", metavar="DIR")
        >>> print(parser.stray(["--lnag", "zh"]))
        new has no option --lnag
          expected: an option that `funnelnb new --help` names
        >>> print(parser.stray(["b"]))
        new: 'b' is one word too many
          expected: funnelnb new DIR
          remedy:   put a name with spaces in quotes
        """
        options = [name for one in self._actions for name in one.option_strings if name.startswith("--")]
        unknown = next((one.partition("=")[0] for one in words if one.startswith("-")), "")
        if unknown:
            close = nearest(unknown, options)
            return ParameterError(
                f"{self.command} has no option {unknown}"
                if self.command
                else f"there is no option {unknown}",
                expected=f"an option that `{self.prog} --help` names",
                hint=close if close.startswith("did you mean") else "",
            )
        takes = [_named(one) for one in self._actions if not one.option_strings]
        return ParameterError(
            f"{self.command}: {words[0]!r} is one word too many",
            expected=" ".join([self.prog, *takes]),
            hint="put a name with spaces in quotes",
        )

    def _mistake(self, name: str | None, message: str) -> ParameterError:
        action = next((one for one in self._actions if _named(one) == name), None) if name else None
        if message.startswith("the following arguments are required"):
            return self._missing(message.partition(": ")[2].split(", ")[0])
        if found := _SHORT.match(message):
            return ParameterError(
                f"{found['given']} is short for more than one option", expected=f"one of {found['known']}"
            )
        if action is None:
            return ParameterError(message, hint=f"{self.prog} --help")
        return self._no_choice(action, message) or self._no_value(action, message)

    def _no_value(self, action: argparse.Action, message: str) -> ParameterError:
        """Return what is wrong about the value of an option that has no list of choices."""
        option = _named(action)
        if found := _TYPE.match(message):
            return ParameterError(f"{option} {found['given']}", expected=_NUMBERS[action.type])  # type: ignore[index]
        if found := _NEEDLESS.match(message):
            return ParameterError(
                f"{option} takes no value, but {found['given']} was given",
                expected=f"{option} without a value",
            )
        return ParameterError(
            f"{option} has no value after it", expected=_spelled(action), hint=f"{self.prog} --help"
        )

    def _no_choice(self, action: argparse.Action, message: str) -> ParameterError | None:
        """Return what may be chosen instead; None where something else is wrong."""
        chosen = _CHOICE.match(message)
        if chosen is None:
            return None
        given = chosen["given"]
        known = [str(one) for one in action.choices or ()]
        found = (
            f"there is no command {given!r}"
            if isinstance(action, argparse._SubParsersAction)  # noqa: SLF001 - argparse has no public name for it
            else f"{_named(action)} {given!r}"
        )
        return ParameterError(found, expected="one of " + ", ".join(known), hint=nearest(given, known))

    def _missing(self, name: str) -> ParameterError:
        from funnelnb.show.text.words import words

        say = words(self.lang)
        action = next((one for one in self._actions if _named(one) == name), None)
        expected = ""
        if action is not None and action.choices:
            expected = "one of " + ", ".join(map(str, action.choices))
        elif action is not None:
            own = say.find(f"help.options_of.{self.command}.{action.dest}")
            expected = own or say.get(f"help.options.{action.dest}")
        examples = say.find(f"help.examples_of.{self.command}") or ""
        example = re.split(r" {3,}", examples.strip().splitlines()[0])[0] if examples else ""
        return ParameterError(f"{self.command}: {name} is missing", expected=expected, hint=example)


def _named(action: argparse.Action) -> str:
    """Return the name of an argument as it is typed, all spellings of an option."""
    if action.option_strings:
        return "/".join(action.option_strings)
    return str(action.metavar or action.dest)


def _spelled(action: argparse.Action) -> str:
    """Return how an option and its value are typed."""
    option = action.option_strings[0] if action.option_strings else ""
    if action.choices:
        return "one of " + ", ".join(f"{option} {one}" for one in action.choices)
    return f"{option} {action.metavar or action.dest.upper()}"
