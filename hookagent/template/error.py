"""What a template that cannot be read or rendered raises."""


class TemplateError(ValueError):
    """A template that cannot be read or rendered; `offset` is in characters from its start."""

    def __init__(self, message: str, offset: int = 0, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint
