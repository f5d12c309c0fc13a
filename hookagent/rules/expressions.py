"""`expr`: arithmetic and comparisons over an event's values. Ours, small, and never code.

    reorder_point - available > 3
    total >= 100 and (vip == true or "gold" == customer.tier)

Numbers, texts, true, false, null, references, `+ - * / %`, `== != < <= > >=`, `and or not`,
parentheses and `len(…)`. A reference stands for its first value. What cannot be computed (a missing
field, text minus a number, division by zero) is unknown, and unknown is never true: neither is its
negation. Reading raises ExpressionError; evaluating is total.
"""

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from hookagent.lookup import MISSING, PathError
from hookagent.rules.model import Atom, atom, plain
from hookagent.rules.scope import Scope, read_reference
from hookagent.subject import Reference

LENGTH_MAX = 500
DEPTH_MAX = 20
"""Parentheses and signs in each other."""
UNKNOWN: Final = MISSING
INTEGER_MAX = 2**63
"""Whole numbers beyond it are computed as floating point, so that none grows without bound."""


class ExpressionError(ValueError):
    """An expression that cannot be read; `position` is the offset of the trouble, from 0."""

    def __init__(self, message: str, position: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.position = position
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a text, true, false or null."""

    value: Atom


@dataclass(frozen=True, slots=True)
class Name:
    """A value of the event."""

    reference: Reference


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x`, `not x` or `len(x)`."""

    op: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what joins them."""

    op: str
    left: "Node"
    right: "Node"


Node = Literal | Name | Unary | Binary


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was read; equal to another when it means the same."""

    text: str
    root: Node


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>\d+(?:_\d+)*(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<name>@?[^\W\d]\w*
        (?:(?<=@headers)\.[\w-]+|(?<=@query)\.[\w-]+)?
        (?:\.[^\W\d]\w*|\.\d\w*|\[-?\d+\]|\['[^']*'\]|\["[^"]*"\])*
      |\['[^']*'\](?:\.[^\W\d]\w*|\[-?\d+\]|\['[^']*'\])*)
    | (?P<op>==|!=|<=|>=|&&|\|\||[-+*/%<>()=!])
    )""",
    re.VERBOSE,
)
_WORDS = {"true": True, "false": False, "null": None}
_ALIASES = {"&&": "and", "||": "or", "!": "not", "=": "=="}
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_ADDITIVE = frozenset({"+", "-"})
_MULTIPLICATIVE = frozenset({"*", "/", "%"})


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse_expression(text: str) -> Expression:
    """Read an expression. Raises ExpressionError."""
    if len(text) > LENGTH_MAX:
        raise ExpressionError(f"the expression is longer than {LENGTH_MAX} characters", LENGTH_MAX)
    return Expression(text, _Reader(_tokens(text), len(text)).whole())


def _tokens(text: str) -> list[_Token]:
    tokens = []
    place = 0
    while text[place:].strip():
        found = _TOKEN.match(text, place)
        if not found:
            at = place + len(text[place:]) - len(text[place:].lstrip())
            raise ExpressionError(f"`{text[at]}` makes no sense here", at)
        kind = found.lastgroup or ""
        word = found.group(kind)
        if kind == "name" and word in {"and", "or", "not"}:
            kind = "op"
        tokens.append(
            _Token(kind, _ALIASES.get(word, word) if kind == "op" else word, found.start(kind))
        )
        place = found.end()
    return tokens


class _Reader:
    """Reads tokens by precedence: or, and, not, comparison, sum, product, sign, operand."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens = tokens
        self._end = end
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        node = self._either()
        if self._at < len(self._tokens):
            self._fail(f"`{self._tokens[self._at].text}` was not expected here")
        return node

    def _take(self, *texts: str) -> _Token | None:
        if self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.kind == "op" and token.text in texts:
                self._at += 1
                return token
        return None

    def _fail(self, message: str, hint: str | None = None) -> NoReturn:
        at = self._tokens[self._at].at if self._at < len(self._tokens) else self._end
        raise ExpressionError(message, at, hint)

    def _chain(self, operators: frozenset[str], part: Callable[[], Node]) -> Node:
        node = part()
        while token := self._take(*operators):
            node = Binary(token.text, node, part())
        return node

    def _either(self) -> Node:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            self._fail(f"nested deeper than {DEPTH_MAX} levels")
        node = self._chain(frozenset({"or"}), self._both)
        self._depth -= 1
        return node

    def _both(self) -> Node:
        return self._chain(frozenset({"and"}), self._negation)

    def _negation(self) -> Node:
        negations = 0
        while self._take("not"):
            negations += 1
        node = self._comparison()
        for _ in range(min(negations, 2 + negations % 2)):  # two more negations change nothing
            node = Unary("not", node)
        return node

    def _comparison(self) -> Node:
        left = self._sum()
        token = self._take(*_COMPARISONS)
        if token is None:
            return left
        node = Binary(token.text, left, self._sum())
        if self._take(*_COMPARISONS):
            self._at -= 1
            self._fail("comparisons cannot be chained", "join them: `a < b and b < c`")
        return node

    def _sum(self) -> Node:
        return self._chain(_ADDITIVE, self._product)

    def _product(self) -> Node:
        return self._chain(_MULTIPLICATIVE, self._sign)

    def _sign(self) -> Node:
        negative = False
        while self._take("-"):
            negative = not negative
        node = self._operand()
        return Unary("-", node) if negative else node

    def _operand(self) -> Node:
        if self._take("("):
            node = self._either()
            if not self._take(")"):
                self._fail("a `)` is missing")
            return node
        if self._at >= len(self._tokens):
            self._fail("something is missing at the end")
        token = self._tokens[self._at]
        if token.kind == "op":
            self._fail(f"`{token.text}` needs a value before it")
        self._at += 1
        if token.kind == "number":
            return Literal(_number(token.text))
        if token.kind == "text":
            return Literal(re.sub(r"\\(.)", r"\1", token.text[1:-1]))
        return self._name(token)

    def _name(self, token: _Token) -> Node:
        if token.text in _WORDS:
            return Literal(atom(_WORDS[token.text]))
        if token.text == "len" and self._take("("):
            node = self._either()
            if not self._take(")"):
                self._fail("a `)` is missing")
            return Unary("len", node)
        try:
            return Name(read_reference(token.text))
        except PathError as error:
            hint = getattr(error, "hint", None)
            raise ExpressionError(str(error), token.at + error.position, hint) from None


def _number(text: str) -> int | float:
    plain_text = text.replace("_", "")
    number = float(plain_text)
    return int(plain_text) if plain_text.isdigit() else number


def is_true(expression: Expression, scope: Scope) -> bool:
    """Whether an expression is true of an event; unknown is not."""
    return evaluate(expression.root, scope) is True


def evaluate(node: Node, scope: Scope) -> Any:
    """Compute a node's value: JSON, or UNKNOWN."""
    match node:
        case Literal(value):
            return plain(value)
        case Name(reference):
            found = scope.values(reference)
            return found[0] if found else UNKNOWN
        case Unary(op, operand):
            return _UNARY[op](evaluate(operand, scope))
        case Binary(op, left, right):
            if op in {"and", "or"}:
                return _joined(op, evaluate(left, scope), evaluate(right, scope))
            return _BINARY[op](evaluate(left, scope), evaluate(right, scope))


def _joined(op: str, left: Any, right: Any) -> Any:
    """Join truth values as Kleene did: the deciding one wins over the unknown."""
    deciding = op == "or"
    if left is deciding or right is deciding:
        return deciding
    return (not deciding) if isinstance(left, bool) and isinstance(right, bool) else UNKNOWN


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _arithmetic(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def computed(left: Any, right: Any) -> Any:
        if not (_is_number(left) and _is_number(right)):
            return UNKNOWN
        try:
            result = compute(_bounded(left), _bounded(right))
        except (ZeroDivisionError, OverflowError):
            return UNKNOWN
        return result if math.isfinite(result) else UNKNOWN

    return computed


def _bounded(number: float) -> float:
    return number if abs(number) <= INTEGER_MAX else float(number)


def _comparing(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    def compared(left: Any, right: Any) -> Any:
        both_numbers = _is_number(left) and _is_number(right)
        if both_numbers or (isinstance(left, str) and isinstance(right, str)):
            return compare(left, right)
        return UNKNOWN

    return compared


def _equal(left: Any, right: Any) -> Any:
    if left is UNKNOWN or right is UNKNOWN or isinstance(left, list | dict):
        return UNKNOWN
    return bool(atom(left) == atom(right))


def _unequal(left: Any, right: Any) -> Any:
    equal = _equal(left, right)
    return UNKNOWN if equal is UNKNOWN else not equal


_UNARY: dict[str, Callable[[Any], Any]] = {
    "-": lambda value: -value if _is_number(value) else UNKNOWN,
    "not": lambda value: not value if isinstance(value, bool) else UNKNOWN,
    "len": lambda value: len(value) if isinstance(value, str | list | dict) else UNKNOWN,
}
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": _arithmetic(operator.add),
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "/": _arithmetic(operator.truediv),
    "%": _arithmetic(operator.mod),
    "<": _comparing(operator.lt),
    "<=": _comparing(operator.le),
    ">": _comparing(operator.gt),
    ">=": _comparing(operator.ge),
    "==": _equal,
    "!=": _unequal,
}


def names(node: Node) -> list[Reference]:
    """Return the references an expression uses, in order."""
    match node:
        case Name(reference):
            return [reference]
        case Unary(_, operand):
            return names(operand)
        case Binary(_, left, right):
            return names(left) + names(right)
        case _:
            return []
