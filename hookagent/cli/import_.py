"""`hookagent import`: captures of other tools as an event file, for `replay` and the others.

    hookagent import capture.har --source shop | hookagent replay -

Nothing is put into the store by the back door: a replay enters by the front one, verified.
"""

from typing import Annotated

import msgspec
import typer

from hookagent.cli import output, settings, targets
from hookagent.cli.options import AsSourceOption, ConfigOption
from hookagent.errors import ExitCode, NotFound


def import_(
    file: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="Captures; `-` for standard input.")
    ],
    config: ConfigOption = None,
    source: AsSourceOption = None,
    *,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORM",
            help="json, har, curl, http, mitmproxy, ngrok, github, stripe; found out if left out.",
        ),
    ] = "",
    path: Annotated[
        str, typer.Option(metavar="GLOB", help="Only requests to such a path: '/hooks/*'.")
    ] = "",
    method: Annotated[
        str, typer.Option(metavar="NAME", help="Only of this method; POST when left out.")
    ] = "POST",
) -> ExitCode:
    """Read captures of other tools and write them as an event file, one line each.

    Example: hookagent import capture.har --path '/webhooks/*' --source shop > events.jsonl

    Example: hookagent import flows.mitm | hookagent replay - --source shop
    """
    from fnmatch import fnmatchcase

    from hookagent.pipeline.exports import to_event_line

    if source is not None:
        settings.load_config(config).source(source)
    kept = passed = 0
    for name in file:
        found = targets.read_file(name, form)
        progress = output.Progress("requests", len(found))
        for captured in progress.over(found):
            request = captured.request
            fits = request.method == method.upper() or method == "*"
            if not fits or (path and not fnmatchcase(request.path, path)):
                passed += 1
                continue
            kept += 1
            chosen = msgspec.structs.replace(captured, source=source or captured.source)
            progress.clear()
            output.data(to_event_line(chosen))
    if passed:
        output.talk(f"{passed} requests of another path or method were passed over")
    if not kept:
        raise NotFound("no request fits", hint="--method '*' takes every method")
    return ExitCode.DONE
