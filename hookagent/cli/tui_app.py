"""`hookagent inspect` as a full-screen view: the list, one event, its runs.

Three panes from 120 columns on, two from 80, else one above the other. History is paged, never
loaded whole; what a key does is also a command. Tested headless with Textual's pilot.
"""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from rich.text import Text
from textual import work
from textual.app import App, ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.css.query import NoMatches
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import DataTable, Input, Static

from hookagent.cli.clock import clock
from hookagent.cli.output import Ink, safe_line
from hookagent.cli.showing import body_lines, event_lines, head_lines, local_time, run_lines
from hookagent.cli.tui_text import COLUMNS, cells_of, help_text, is_under_way, read_filter, styled
from hookagent.errors import HookagentError

if TYPE_CHECKING:
    from hookagent.cli.sending import Answered
    from hookagent.config.model import Config
    from hookagent.event import RawRequest
    from hookagent.eventfile import Captured
    from hookagent.store.base import EventFilter, EventSummary, Store

PAGE = 200
ROWS_MAX = 1_000
"""Rows held at once; a filter finds what is older."""
POLL_S = 0.5
WIDE, MIDDLE = 120, 80
"""Columns from which there are three panes, and two."""
BODY_COPIED_MAX = 1_000_000


class Help(ModalScreen[None]):
    """The sheet of keys."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,question_mark,q", "dismiss", "back")]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(help_text())


class Workbench(App[None]):
    """The view."""

    CSS = """
    #panes { height: 1fr; layout: horizontal; }
    #list { width: 1fr; height: 1fr; }
    #event, #runs { width: 1fr; height: 1fr; border-left: solid $panel; padding: 0 1; }
    #runs { display: none; }
    .wide #runs { display: block; width: 32; }
    .narrow #panes { layout: vertical; }
    .narrow #event { border-left: none; border-top: solid $panel; }
    #filter { display: none; height: 1; border: none; }
    #filter.shown { display: block; }
    #status { height: 1; background: $panel; }
    Help { align: center middle; }
    #help { width: 78; height: auto; border: solid $primary; padding: 1 2; }
    #help { max-width: 100%; max-height: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move(1)", "down"),
        Binding("k", "move(-1)", "up"),
        Binding("g", "end(False)", "first"),
        Binding("G", "end(True)", "last"),
        Binding("f,slash", "filter", "filter"),
        Binding("escape", "back", "back"),
        Binding("F", "follow", "follow"),
        Binding("r", "replay", "replay"),
        Binding("R", "replay_edited", "edit and replay"),
        Binding("e", "open_body", "open"),
        Binding("c", "copy_curl", "curl"),
        Binding("y", "copy_body", "body"),
        Binding("m", "mark", "mark"),
        Binding("d", "compare", "compare"),
        Binding("question_mark", "help", "keys"),
        Binding("q", "quit", "leave"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, config: "Config", store: "Store", wanted: "EventFilter") -> None:
        super().__init__()
        self._config = config
        self._store = store
        self._wanted = wanted
        self._rows: list[EventSummary] = []
        self._marked = ""
        self._follows = True
        self._shown: dict[str, Any] = {}
        self._said = ""
        self._is_busy = asyncio.Lock()

    # Building.

    def compose(self) -> ComposeResult:
        yield Input(placeholder="words  source: type: status: rule: verdict:", id="filter")
        with Container(id="panes"):
            yield DataTable(id="list", cursor_type="row", zebra_stripes=True)
            with VerticalScroll(id="event", can_focus=True):
                yield Static("", id="event_text", markup=False)
            with VerticalScroll(id="runs", can_focus=True):
                yield Static("", id="runs_text", markup=False)
        yield Static("", id="status", markup=False)

    async def on_mount(self) -> None:
        """Fill the list and look for more from then on."""
        self._table.add_columns(*COLUMNS)
        self._table.focus()
        await self._reload()
        self.set_interval(POLL_S, self._look)

    def on_resize(self, event: Resize) -> None:
        """Choose the panes by the width."""
        width = event.size.width
        base = self.screen_stack[0]
        base.set_class(width >= WIDE, "wide")
        base.set_class(width < MIDDLE, "narrow")
        self._write_event()

    @property
    def _table(self) -> "DataTable[Text]":
        return self.screen_stack[0].query_one("#list", DataTable)

    # The list.

    async def _reload(self) -> None:
        page = msgspec.structs.replace(self._wanted, before=0, after=0, limit=PAGE)
        self._rows = list(await self._store.events(page))
        self._fill()

    async def _look(self) -> None:
        """Take in what came since, if this is not going on already."""
        if self._is_busy.locked() or not self._follows:
            return
        async with self._is_busy:
            with suppress(NoMatches):  # the view was left meanwhile
                await self._take_in()

    async def _take_in(self) -> None:
        wanted = self._wanted
        newest = self._rows[0].seq if self._rows else 0
        came = await self._store.events(msgspec.structs.replace(wanted, after=newest, limit=PAGE))
        has_moved = await self._has_moved()
        if (came or has_moved) and wanted is self._wanted:  # else it was read anew
            self._rows = ([*reversed(came), *self._rows])[:ROWS_MAX]
            self._fill()

    async def _has_moved(self) -> bool:
        """Read those of the newest rows again whose runs are under way; tell if any changed."""
        waiting = [one.seq for one in self._rows[:PAGE] if is_under_way(one)]
        if not waiting:
            return False
        page = msgspec.structs.replace(self._wanted, before=waiting[0] + 1, after=0, limit=PAGE)
        fresh = {one.seq: one for one in await self._store.events(page)}
        rows = [fresh.get(one.seq, one) for one in self._rows]
        moved = [one for one, old in zip(rows, self._rows, strict=True) if one != old]
        self._rows = rows
        if self._chosen in {one.id for one in moved}:
            self._load(self._chosen)
        return bool(moved)

    async def _older(self) -> None:
        """Take in the next page of history."""
        if len(self._rows) >= ROWS_MAX or not self._rows:
            return
        page = msgspec.structs.replace(self._wanted, before=self._rows[-1].seq, limit=PAGE)
        older = await self._store.events(page)
        if older:
            self._rows += older
            self._fill()

    def _fill(self) -> None:
        """Write the rows anew, the cursor staying with its event, or at the top."""
        table, chosen = self._table, self._chosen
        at_top = table.cursor_row == 0
        table.clear()
        today = local_time(clock())[:5]
        for one in self._rows:
            cells = cells_of(one, is_marked=one.id == self._marked, today=today)
            table.add_row(*cells, key=one.id)
        places = [n for n, one in enumerate(self._rows) if one.id == chosen]
        if places and not at_top:
            table.move_cursor(row=places[0])
        self._write_status()

    @property
    def _chosen(self) -> str:
        """The event under the cursor, else empty."""
        row = self._table.cursor_row
        keys = list(self._table.rows)
        return str(keys[row].value) if 0 <= row < len(keys) else ""

    async def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show the event the cursor is on; at the end of the list, more of it."""
        if event.cursor_row < 0:
            return  # Textual says so when the last row went
        self._load(str(event.row_key.value))
        if event.cursor_row == len(self._rows) - 1:
            await self._older()

    def on_data_table_row_selected(self, _: DataTable.RowSelected) -> None:
        """Go to the event's pane."""
        self.screen_stack[0].query_one("#event").focus()

    # One event.

    @work(exclusive=True, group="event")
    async def _load(self, event_id: str) -> None:
        from hookagent.pipeline.documents import event_document

        record = await self._store.event(event_id)
        if record is not None:
            self._shown = event_document(record, self._config)
            self._write_event()

    def _write_event(self) -> None:
        if not self._shown:
            return
        is_wide = self.screen_stack[0].has_class("wide")
        lines = event_lines(self._shown)
        if is_wide:
            lines = iter([*head_lines(self._shown), *body_lines(self._shown)])
        self.screen_stack[0].query_one("#event_text", Static).update(styled(lines))
        self.screen_stack[0].query_one("#runs_text", Static).update(styled(run_lines(self._shown)))

    def _write_status(self) -> None:
        follows = "following" if self._follows else "paused"
        more = "+" if len(self._rows) >= PAGE else ""
        said = self._said or "? for the keys"
        text = f" {len(self._rows)}{more} events  {follows}  {said}"
        self.screen_stack[0].query_one("#status", Static).update(Text(safe_line(text)))

    def _say(self, text: str) -> None:
        self._said = text
        self._write_status()

    # Keys.

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._table.move_cursor(row=self._table.cursor_row + by)

    def action_end(self, last: bool) -> None:
        """Go to the first or last row."""
        self._table.move_cursor(row=len(self._rows) - 1 if last else 0)

    def action_filter(self) -> None:
        """Ask for words."""
        field = self.screen_stack[0].query_one("#filter", Input)
        field.add_class("shown")
        field.focus()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Narrow the list."""
        try:
            self._wanted = read_filter(event.value, self._wanted)
        except HookagentError as error:
            self._say(error.message)
            return
        self._table.focus()
        self._say(f"filter: {event.value}" if event.value else "")
        await self._reload()

    async def action_back(self) -> None:
        """Leave a pane; in the list, clear the filter."""
        field = self.screen_stack[0].query_one("#filter", Input)
        if self.focused is self._table or self.focused is field:
            field.value = ""
            field.remove_class("shown")
            self._wanted = read_filter("", self._wanted)
            self._said = ""
            await self._reload()
        self._table.focus()

    def action_follow(self) -> None:
        """Go on with what comes, or hold still."""
        self._follows = not self._follows
        self._write_status()

    async def action_help(self) -> None:
        """Show the keys."""
        await self.push_screen(Help())

    def action_mark(self) -> None:
        """Mark the event, or take the mark off."""
        chosen = self._chosen
        self._marked = "" if self._marked == chosen else chosen
        self._fill()

    async def action_compare(self) -> None:
        """Compare with the marked event."""
        from hookagent.cli.showing import difference_lines
        from hookagent.pipeline.comparing import differences, is_volatile

        pair = [await self._store.event(name) for name in (self._marked, self._chosen)]
        if pair[0] is None or pair[1] is None:
            self._say("mark an event with m first")
            return
        found = differences(pair[0].event.request, pair[1].event.request)
        shown = [one for one in found if not is_volatile(*one)]
        lines: list[Any] = list(difference_lines(shown)) or [("they carry the same",)]
        if len(found) > len(shown):
            lines.append(
                (Ink(f"set aside: {len(found) - len(shown)} that differ every time", "dim"),)
            )
        heading = (Ink(f"{self._marked} → {self._chosen}", "bold"),)
        text = styled([heading, *lines])
        self.screen_stack[0].query_one("#event_text", Static).update(text)
        self._say("compared with the marked event")

    async def _capture(self) -> "Captured | None":
        from hookagent.cli.targets import load

        chosen = self._chosen
        return (await load(chosen, self._store))[0] if chosen else None

    async def action_copy_curl(self) -> None:
        """Copy the event as a curl command, secrets masked."""
        from hookagent.pipeline.exports import to_curl
        from hookagent.pipeline.masking import masked
        from hookagent.pipeline.presence import listener_url

        captured = await self._capture()
        if captured is not None:
            server = self._config.server
            base = listener_url(self._config.state_folder, server.host, server.port)
            request = masked(captured, self._config).request
            self.copy_to_clipboard(to_curl(request, base + request.target))
            self._say("copied as curl")

    async def action_copy_body(self) -> None:
        """Copy the body."""
        captured = await self._capture()
        if captured is not None:
            body = captured.request.body[:BODY_COPIED_MAX]
            self.copy_to_clipboard(body.decode("utf-8", "replace"))
            self._say("copied the body")

    async def action_replay(self) -> None:
        """Send the event again, freshly signed."""
        captured = await self._capture()
        if captured is not None:
            await self._send(captured)

    async def action_replay_edited(self) -> None:
        """Edit the event, then send it."""
        captured = await self._capture()
        if captured is None:
            return
        edited = self._in_editor(captured)
        if edited is not None:
            await self._send(msgspec.structs.replace(captured, request=edited))

    async def action_open_body(self) -> None:
        """Look at the body in the editor; what is changed there is not kept."""
        captured = await self._capture()
        if captured is not None:
            self._in_editor(captured)

    def _in_editor(self, captured: "Captured") -> "RawRequest | None":
        from hookagent.cli.editing import edit

        try:
            try:
                with self.suspend():
                    return edit(captured.request)
            except SuspendNotSupported:
                return edit(captured.request)
        except HookagentError as error:
            self._say(error.message)
            return None

    async def _send(self, captured: "Captured") -> None:
        from hookagent.actions.sender import Sender
        from hookagent.cli.sending import Dispatch, Plan

        told: list[Answered] = []
        try:
            async with Sender() as sender:
                await Dispatch(self._config, [captured], Plan(), sender).run(told.append)
        except HookagentError as error:
            self._say(error.message)
            return
        body = told[0].body.decode("utf-8", "replace")
        self._say(f"{told[0].status} {told[0].ms:.0f} ms {body}")
