"""One named part of a `multipart/form-data` body (RFC 7578), for schemes that sign it."""

import re

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
PARTS_MAX = 100


def part_of(body: bytes, content_type: str, name: str) -> bytes | None:
    """Return the content of the one part with that name; None where it is missing or doubled."""
    found = _BOUNDARY.search(content_type)
    if not found:
        return None
    boundary = (found.group(1) or found.group(2)).encode("latin-1", "replace")
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary, PARTS_MAX)
    contents = [content for part in parts[1:] if (content := _content(part, name)) is not None]
    return contents[0] if len(contents) == 1 else None


def _content(part: bytes, name: str) -> bytes | None:
    """Return a part's content when it is the named one."""
    head, blank, content = part.partition(b"\r\n\r\n")
    if not blank:
        return None
    for line in head.split(b"\r\n"):
        field, _, value = line.partition(b":")
        if field.strip().lower() == b"content-disposition":
            wanted = name.encode()
            names = (b'name="' + wanted + b'"', b"name=" + wanted)
            parameters = [item.strip() for item in value.split(b";")]
            return content if any(item in names for item in parameters) else None
    return None
