# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The choice between arena and work as one HTML file: a chart and a table, nothing to load."""

from __future__ import annotations

import os

from tflm_patch.analysis.pareto import Pareto, Point
from tflm_patch.graph.files import write_atomically
from tflm_patch.report.html_page import document, table_row, text
from tflm_patch.report.svg_chart import Chart, polyline, span_of

_KB = 1024
_CHART = Chart(420, left=70, right=30, top=20, bottom=55)
_TICKS = 6

_STYLE = """
.optimal { fill: #1f6fb2; }
.beaten { fill: #b8c4d0; }
.front { fill: none; stroke: #1f6fb2; stroke-width: 1.2; stroke-dasharray: 4 3; }
table { width: 100%; }
td:first-child, th:first-child { text-align: left; }
tr.beaten td { color: #888; }
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
  about = (
    '<p>Every point is a plan of the whole model with the same output bytes as the original, whose '
    f'arena is {found.stock_arena:,} bytes. No other plan beats the <b>optimal</b> ones in arena, '
    'multiply-accumulates and kernel calls.</p>'
  )
  title = f'{os.path.basename(model)}: arena against work'
  page = document(title, _STYLE, [about, _chart(found), _table(found)])
  write_atomically(path, page.encode())


def _chart(found: Pareto) -> str:
  """Arena against MACs."""
  x = _CHART.horizontal(*span_of([point.arena_total / _KB for point in found.points]), _TICKS)
  y = _CHART.vertical(*span_of([_work(point, found) for point in found.points]), _TICKS)
  front = [
    (point.arena_total / _KB, _work(point, found)) for point in found.points if point.optimal
  ]
  parts = [
    *_CHART.opened('arena against MACs'),
    *_CHART.grid(y),
    *_CHART.beside(y, '.2f'),
    *_CHART.below(x, ',.0f'),
    _CHART.upright(),
    *_CHART.titles('arena, KB', 'MACs, stock = 1'),
    polyline('front', x, y, front),
  ]
  for point in found.points:
    where = f'cx="{x.at(point.arena_total / _KB)}" cy="{y.at(_work(point, found))}"'
    label = f'{point.options}: {point.arena_total:,} bytes, {_work(point, found):.3f}x MACs'
    inner = f'<title>{text(label)}</title>'
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
  lines = ['<table>', table_row('th', header)]
  lines += [table_row('td', cells, _class(point)) for cells, point in zip(rows, found.points)]
  return '\n'.join([*lines, '</table>'])


def _class(point: Point) -> str:
  return 'optimal' if point.optimal else 'beaten'


def _work(point: Point, found: Pareto) -> float:
  """MACs over those of the original model."""
  return point.macs / max(found.stock_macs, 1)
