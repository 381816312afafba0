# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The choice between arena and work as one HTML file: a chart and a table, nothing to load."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence

from tflm_patch.analysis.pareto import Pareto, Point
from tflm_patch.errors import printable
from tflm_patch.graph.files import write_atomically

_KB = 1024
# Of the chart, in pixels: size and margins (left, right, top, bottom).
_WIDTH, _HEIGHT = 860, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 30, 20, 55
_TICKS = 6

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 900px; color: #222; }}
h1 {{ font-size: 1.3em; }}
svg {{ width: 100%; height: auto; }}
svg text {{ font-size: 12px; fill: #444; }}
.optimal {{ fill: #1f6fb2; }}
.beaten {{ fill: #b8c4d0; }}
.front {{ fill: none; stroke: #1f6fb2; stroke-width: 1.2; stroke-dasharray: 4 3; }}
.axis {{ stroke: #999; }}
.grid {{ stroke: #eee; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: right; padding: 3px 10px; border-bottom: 1px solid #ddd; }}
th:first-child, td:first-child {{ text-align: left; }}
tr.beaten td {{ color: #888; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>Every point is a plan of the whole model with the same output bytes as the original, whose arena
is {stock_arena:,} bytes. No other plan beats the <b>optimal</b> ones in arena, multiply-accumulates
and kernel calls.</p>
{chart}
{table}
</body>
</html>
"""


def write_html(found: Pareto, model: str, path: str | os.PathLike[str]) -> None:
  """Writes the report.

  Args:
    found: What is compared.
    model: The file's name for the title.
    path: Where to write.

  Raises:
    TflmPatchError: the file cannot be written.
  """
  title = html.escape(f'{printable(os.path.basename(model))}: arena against work')
  page = _PAGE.format(
    title=title, stock_arena=found.stock_arena, chart=_chart(found), table=_table(found)
  )
  write_atomically(path, page.encode())


class _Axis:
  """Values of one dimension as positions on the chart."""

  def __init__(self, values: Sequence[float], start: float, end: float) -> None:
    low, high = min(values), max(values)
    margin = 0.05 * (high - low) or 0.05 * max(high, 1.0)
    self.low, self.high = low - margin, high + margin
    self._start, self._end = start, end

  def at(self, value: float) -> float:
    part = (value - self.low) / (self.high - self.low)
    return round(self._start + part * (self._end - self._start), 1)

  def ticks(self) -> list[float]:
    return [self.low + (self.high - self.low) * k / (_TICKS - 1) for k in range(_TICKS)]


def _chart(found: Pareto) -> str:
  """Arena against MACs."""
  x = _Axis([point.arena_total / _KB for point in found.points], _LEFT, _WIDTH - _RIGHT)
  y = _Axis([_work(point, found) for point in found.points], _HEIGHT - _BOTTOM, _TOP)
  bottom = _HEIGHT - _BOTTOM
  parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="arena against MACs">']
  for value in y.ticks():
    at = y.at(value)
    parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>')
    parts.append(f'<text x="{_LEFT - 8}" y="{at + 4}" text-anchor="end">{value:.2f}</text>')
  for value in x.ticks():
    parts.append(
      f'<text x="{x.at(value)}" y="{bottom + 18}" text-anchor="middle">{value:,.0f}</text>'
    )
  parts += [
    f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>',
    f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="{_TOP}" y2="{bottom}"/>',
    f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 12}" text-anchor="middle">'
    'arena, KB</text>',
    f'<text transform="translate(18 {bottom / 2}) rotate(-90)" text-anchor="middle">'
    'MACs, stock = 1</text>',
  ]
  front = ' '.join(
    f'{x.at(point.arena_total / _KB)},{y.at(_work(point, found))}'
    for point in found.points
    if point.optimal
  )
  parts.append(f'<polyline class="front" points="{front}"/>')
  for point in found.points:
    where = f'cx="{x.at(point.arena_total / _KB)}" cy="{y.at(_work(point, found))}"'
    label = f'{point.options}: {point.arena_total:,} bytes, {_work(point, found):.3f}x MACs'
    inner = f'<title>{html.escape(label)}</title>'
    parts.append(f'<circle class="{_class(point)}" r="5" {where}>{inner}</circle>')
  return '\n'.join([*parts, '</svg>'])


def _table(found: Pareto) -> str:
  header = ('options', 'arena', 'head', 'below stock', 'MACs', 'kernel calls', 'optimal')
  rows = [
    (
      point.options,
      f'{point.arena_total:,}',
      f'{point.arena_head:,}',
      f'{found.stock_arena / max(point.arena_total, 1):.1f}x',
      f'{_work(point, found):.3f}x',
      f'{point.kernel_calls:,}',
      'yes' if point.optimal else '',
    )
    for point in found.points
  ]
  lines = ['<table>', _row('th', header, '')]
  lines += [_row('td', row, _class(point)) for row, point in zip(rows, found.points)]
  return '\n'.join([*lines, '</table>'])


def _row(tag: str, cells: Sequence[str], css: str) -> str:
  inner = ''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)
  return f'<tr class="{css}">{inner}</tr>' if css else f'<tr>{inner}</tr>'


def _class(point: Point) -> str:
  return 'optimal' if point.optimal else 'beaten'


def _work(point: Point, found: Pareto) -> float:
  """MACs over those of the original model."""
  return point.macs / max(found.stock_macs, 1)
