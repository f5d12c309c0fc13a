"""`hookagent rules schema`: the JSON Schema of rule files, for editors."""

from hookagent.cli import output


def schema() -> None:
    """Print the JSON Schema of rule files, the options of every action included.

    Example: hookagent rules schema > rules.schema.json
    """
    from hookagent.actions import registry
    from hookagent.rules.schema import json_schema

    output.json_document(json_schema(registry.schemas()))
