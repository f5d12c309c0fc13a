"""Templates: `{{ reference | filter }}` in text. Values only, never code.

    {{ pull_request.title }}              a path into the payload, as `lookup` reads it
    {{ @headers.x-github-event }}         the envelope, as `subject` reads it
    {{ steps.create.output.id }}          what an earlier step left
    {{ window.count }} {{ key.host }}     what an over-time condition counted, and for which key
    {{ ['key'].host }}                    a payload whose own member has such a name
    {{ "{{" }}                            a text in quotes stands for itself
    {{ amount | default(0) | number(2) }} filters, left to right, see `FILTERS`

A template walks dicts and lists and nothing else: no attributes, no calls, no arithmetic. It is
read once and rendered in one pass, so a value that looks like a template stays text. Each inserted
value is escaped by where it goes (`Sink`), and the output is bounded. Rendering is total apart
from `TemplateError`, which says what was missing, too long or refused.
"""

from hookagent.template.error import TemplateError
from hookagent.template.filters import FILTERS, Filter
from hookagent.template.scope import Scope
from hookagent.template.sinks import Encoded, Sink, terminal_safe
from hookagent.template.text import Template

__all__ = [
    "FILTERS",
    "Encoded",
    "Filter",
    "Scope",
    "Sink",
    "Template",
    "TemplateError",
    "terminal_safe",
]
