"""Line charts as SVG, drawn with nothing but text."""

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 40, 56
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df")

Points = Sequence[tuple[float, float]]


def line_chart(title: str, x_label: str, y_label: str, series: Mapping[str, Points]) -> str:
    """Return an SVG document with one line per series; both axes begin at zero."""
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    x_max, y_max = (max(xs, default=1) or 1), (max(ys, default=1) or 1) * 1.05
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{escape(title)}" font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">{escape(title)}</text>',
        *_axes(x_label, y_label, x_max, y_max),
    ]
    for place, (name, points) in enumerate(series.items()):
        colour = COLOURS[place % len(COLOURS)]
        path = " ".join(f"{_x(x, x_max):.1f},{_y(y, y_max):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{_x(x, x_max):.1f}" cy="{_y(y, y_max):.1f}" r="3" fill="{colour}"/>'
            for x, y in points
        ]
        legend_y = HEIGHT - BOTTOM - 12 - 16 * place
        parts.append(
            f'<text x="{WIDTH - RIGHT - 150}" y="{legend_y}" fill="{colour}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _axes(x_label: str, y_label: str, x_max: float, y_max: float) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [
        f'<line x1="{LEFT}" y1="{bottom}" x2="{right}" y2="{bottom}" stroke="#57606a"/>',
        f'<line x1="{LEFT}" y1="{TOP}" x2="{LEFT}" y2="{bottom}" stroke="#57606a"/>',
        (
            f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 12}" text-anchor="middle">'
            f"{escape(x_label)}</text>"
        ),
        (
            f'<text transform="translate(14 {(TOP + bottom) / 2}) rotate(-90)"'
            f' text-anchor="middle">{escape(y_label)}</text>'
        ),
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = LEFT + share * (right - LEFT)
        y = bottom - share * (bottom - TOP)
        parts += [
            _text(x, bottom + 18, "middle", _tick(x_max * share)),
            _text(LEFT - 6, y + 4, "end", _tick(y_max * share)),
            (
                f'<line x1="{LEFT}" y1="{y:.0f}" x2="{right}" y2="{y:.0f}" stroke="#d0d7de" '
                'stroke-width="0.5"/>'
            ),
        ]
    return parts


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}">{escape(text)}</text>'


def _x(value: float, most: float) -> float:
    return LEFT + value / most * (WIDTH - RIGHT - LEFT)


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - value / most * (HEIGHT - BOTTOM - TOP)


def _tick(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1_000_000:.2g} M"
    if value >= 1_000:
        return f"{value / 1_000:.3g} k"
    return f"{value:.2g}"
