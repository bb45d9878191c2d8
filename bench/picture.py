"""The ratios as a drawing: one bar each, and a line where it should end at most. SVG, written by hand."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from report import Measured, by_part, number

_WIDTH, _LABELS, _ROOM = 900, 300, 60
_ROW, _THICK, _HEADING, _MARGIN = 22, 14, 40, 16
_BASELINE, _MET, _MISSED, _FREE = "#9aa5b1", "#2f7ed8", "#d64545", "#7cb5ec"
_STYLE = "text{font:13px sans-serif;fill:#222}.heading{font-weight:bold}.small{font-size:12px}"


def picture(found: Sequence[Measured], title: str) -> str:
    drawn = [each for each in found if "ratio" in each.figures and not each.part.startswith("small")]
    parts = by_part(drawn)
    longest = max([1.0, *(each.figures["ratio"] for each in drawn), *(_limit(each) or 0 for each in drawn)])
    scale = (_WIDTH - _LABELS - _ROOM - 2 * _MARGIN) / longest
    height = 2 * _MARGIN + _HEADING + len(parts) * _HEADING + len(drawn) * _ROW
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}">',
            f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
            _text(_MARGIN, _MARGIN + 14, title, "small"),
            *_parts(parts, scale, height),
            "</svg>\n",
        ]
    )


def _parts(parts: Sequence[tuple[str, list[Measured]]], scale: float, height: int) -> Iterator[str]:
    one = _LABELS + _MARGIN + scale
    yield f'<path d="M{one:.1f} {_MARGIN + _HEADING}V{height - _MARGIN}" stroke="#ccc"/>'
    top = _MARGIN + _HEADING // 2
    for part, rows in parts:
        top += _HEADING
        yield _text(_MARGIN, top - 8, part, "heading")
        for row in rows:
            yield from _bar(row, top, scale)
            top += _ROW


def _bar(row: Measured, top: int, scale: float) -> Iterator[str]:
    left, length, limit = _LABELS + _MARGIN, row.figures["ratio"] * scale, _limit(row)
    yield _text(left - 8, top + 12, row.what, "end")
    yield f'<rect x="{left}" y="{top}" width="{length:.1f}" height="{_THICK}" fill="{_colour(row)}"/>'
    if limit:
        x = left + limit * scale
        yield f'<path d="M{x:.1f} {top - 3}v{_THICK + 6}" stroke="#222" stroke-width="2"/>'
    yield _text(round(left + max(length, (limit or 0) * scale)) + 6, top + 12, number(row.figures["ratio"]), "small")


def _limit(row: Measured) -> float | None:
    return row.bars["ratio"].limit if "ratio" in row.bars else None


def _colour(row: Measured) -> str:
    if "ratio" not in row.bars:
        return _BASELINE if row.what.startswith("psql") or row.figures["ratio"] == 1 else _FREE
    return _MISSED if "ratio" in row.missed else _MET


def _text(x: int, y: int, text: str, kind: str) -> str:
    anchor = ' text-anchor="end"' if kind == "end" else ""
    return f'<text x="{x}" y="{y}" class="{kind}"{anchor}>{escape(text)}</text>'
