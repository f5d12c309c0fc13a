"""Adapter: a program's lines and its end."""

import os

from hookagent.tunnel.program import Program, find_program


async def lines_of(code: str) -> tuple[list[str], int]:
    program = await Program.start(["sh", "-c", code], {"PATH": os.environ["PATH"]})
    lines = [line async for line in program.lines()]
    return lines, await program.exit_code()


async def test_both_outputs_are_read_as_lines():
    assert await lines_of("echo a; echo b >&2; printf c; exit 3") == (["a", "b", "c"], 3)


async def test_bytes_that_are_no_text_do_no_harm():
    assert (await lines_of(r"printf 'a\377\r\nb'"))[0] == ["a\ufffd", "b"]


async def test_its_input_is_empty_and_its_environment_is_what_was_given():
    assert (await lines_of('read x; echo "[$x][$HOME]"'))[0] == ["[][]"]


async def test_a_line_without_an_end_comes_in_pieces():
    lines, _ = await lines_of("head -c 300000 /dev/zero")

    assert sum(len(line) for line in lines) == 300_000
    assert max(len(line) for line in lines) < 200_000


def test_a_program_is_found_on_the_search_path_or_where_it_is_said_to_be(tmp_path):
    program = tmp_path / "agent"
    program.write_text("")
    environ = {"PATH": f"/nowhere::{tmp_path}"}

    assert find_program("agent", "", environ) is None
    program.chmod(0o755)
    assert find_program("agent", "", environ) == program
    assert find_program("other", str(program), {}) == program
    assert find_program("agent", "/nowhere/agent", environ) is None
