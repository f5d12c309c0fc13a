"""Runs in the child process of the `python` action: call one function with JSON from stdin.

    python -c SOURCE module:function

Uses nothing beyond the standard library, since the interpreter may be any. The answer goes to
stdout as JSON; whatever the function prints goes to stderr.
"""

import importlib
import inspect
import json
import os
import sys
from typing import Any, NoReturn, TextIO

EX_CONFIG = 78
"""As in sysexits.h: a repetition is of no use."""


def main() -> None:
    """Call the function named on the command line."""
    answer_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asked = json.load(sys.stdin)
    function = _function(sys.argv[1])
    _write(answer_to, _call(function, asked["event"], asked["arguments"]))


def _function(name: str) -> Any:
    module, _, attribute = name.partition(":")
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        _give_up(f"cannot find `{name}`: {error}")
    if not callable(function):
        _give_up(f"`{name}` is not a function")
    return function


def _give_up(message: str) -> NoReturn:
    sys.stderr.write(message + "\n")
    raise SystemExit(EX_CONFIG)


def _call(function: Any, event: Any, arguments: Any) -> Any:
    answer = function(event, **arguments)
    if inspect.isawaitable(answer):
        import asyncio

        async def wait() -> Any:
            return await answer

        return asyncio.run(wait())
    return answer


def _write(answer_to: TextIO, answer: Any) -> None:
    try:
        text = json.dumps(answer, allow_nan=False)
    except (TypeError, ValueError) as error:
        _give_up(f"the function's answer is not JSON: {error}")
    else:
        answer_to.write(text)
        answer_to.close()


if __name__ == "__main__":
    main()
