"""`hookagent rules import`: other tools' rules as ours, with a line for each thing."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from hookagent.cli import output
from hookagent.cli.options import JsonOption
from hookagent.cli.output import Ink
from hookagent.errors import ExitCode, NotFound, UsageError

if TYPE_CHECKING:
    from hookagent.rules.importing import Imported

OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write the rules there instead of to stdout."),
]


def complete_format(incomplete: str) -> list[str]:
    """Offer the formats."""
    from hookagent.rules.importing import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def import_(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A pattern, hooks or a filter; `-` for stdin.")
    ],
    *,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME",
            help="eventbridge, adnanh or hookdeck; guessed when left out.",
            autocompletion=complete_format,
        ),
    ] = "",
    name: Annotated[str, typer.Option(metavar="NAME", help="The rule's name.")] = "",
    out: OutOption = None,
    json: JsonOption = False,
) -> ExitCode:
    """Turn EventBridge patterns, adnanh/webhook hooks or Hookdeck filters into rules.

    Says on stderr what each line became, and what could not be carried over; exits with 1 where
    something could not.

    Example: hookagent rules import hooks.json --out rules/hooks.toml
    """
    from hookagent.rules.importing import FORMATS, CannotImport, guess

    document = _document(file)
    chosen = format_ or guess(document)
    if chosen is None or chosen not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageError(f"the format of `{file}` is not known", hint=f"give --format: {known}")
    try:
        imported = FORMATS[chosen](document, name or _stem(file))
    except CannotImport as error:
        raise UsageError(f"`{file}` cannot be imported as {chosen}: {error}") from None
    lost = any(note.is_lost for note in imported.notes)
    if json:
        output.json_line(msgspec.to_builtins(imported))
    else:
        _show(imported, out)
    return ExitCode.NO if lost else ExitCode.DONE


def _stem(file: str) -> str:
    return "imported" if file == "-" else Path(file).stem


def _document(file: str) -> Any:
    """Read JSON, or YAML where the file says so."""
    data = _bytes(file)
    if file.endswith((".yaml", ".yml")):
        return _yaml(data, file)
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"`{file}` is not JSON: {error}") from None


def _bytes(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except FileNotFoundError:
        raise NotFound(f"no file `{file}`") from None
    except OSError as error:
        raise UsageError(f"cannot read `{file}`: {error.strerror}") from None


def _yaml(data: bytes, file: str) -> Any:
    from importlib import import_module

    try:
        yaml = import_module("yaml")
    except ModuleNotFoundError:
        raise UsageError(
            "reading YAML needs a package that is not installed",
            hint="pip install 'hookagent[yaml]', or convert the file to JSON",
        ) from None
    try:
        return yaml.safe_load(data)
    except yaml.YAMLError as error:
        raise UsageError(f"`{file}` is not YAML: {error}") from None


def _show(imported: "Imported", out: Path | None) -> None:
    write_text(imported.text, out)
    for note in imported.notes:
        colour = "red" if note.is_lost else "dim"
        became = note.became or "not carried over"
        reason = f" ({note.reason})" if note.reason else ""
        output.talk(Ink(note.place, colour), output.safe_line(f" → {became}{reason}"))


def write_text(text: str, out: Path | None) -> None:
    """Write rules to stdout, or to a new file. Raises UsageError where the file is there."""
    if out is None:
        output.data(text.rstrip("\n"))
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"`{out}` is there already", hint="choose another --out") from None
    except OSError as error:
        raise UsageError(f"cannot write `{out}`: {error.strerror}") from None
    output.talk(f"wrote {out}")
