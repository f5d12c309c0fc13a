"""`hookagent rules`: check, list, test, explain, compare, write and import rules.

One module per command; this one only names them.
"""

import typer

from hookagent.cli.main import APP
from hookagent.cli.rules.check import check
from hookagent.cli.rules.diff import diff
from hookagent.cli.rules.explain import explain
from hookagent.cli.rules.importing import import_
from hookagent.cli.rules.listing import list_
from hookagent.cli.rules.new import new
from hookagent.cli.rules.schema import schema
from hookagent.cli.rules.testing import examine

app = typer.Typer(**APP, help="Check, list, test, explain, compare, write and import rules.")

app.command("check")(check)
app.command("list")(list_)
app.command("test")(examine)
app.command("explain")(explain)
app.command("new")(new)
app.command("import")(import_)
app.command("schema")(schema)
app.command("diff")(diff)
