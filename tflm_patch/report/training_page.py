# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A training as one HTML file with figures and charts, nothing to load."""

from __future__ import annotations

import html
from collections.abc import Sequence

from tflm_patch.analysis.memory import analyze_conversion
from tflm_patch.errors import printable
from tflm_patch.training.data.dataset import Task
from tflm_patch.training.result import TrainResult

_KB = 1024
# Of a chart, in pixels: size and margins (left, right, top, bottom).
_WIDTH, _HEIGHT = 860, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 60, 16, 42
_TICKS = 5
_MOST_CLASSES = 60  # of which the whole matrix is shown
_CONFUSED = 12  # pairs that are listed of more

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 900px; padding: 0 1em;
  color: #222; }}
h1 {{ font-size: 1.4em; margin-bottom: 0; }}
h2 {{ font-size: 1.1em; margin-top: 2em; }}
.figures {{ display: flex; flex-wrap: wrap; gap: 12px; margin: 1em 0; }}
.figure {{ background: #f3f6f9; border-radius: 6px; padding: 10px 16px; min-width: 150px; }}
.figure b {{ display: block; font-size: 1.5em; }}
.missed {{ background: #fdecea; }}
.scroll {{ overflow-x: auto; }}
svg {{ width: 100%; height: auto; }}
svg text {{ font-size: 12px; fill: #444; }}
.loss {{ fill: none; stroke: #8fa3b5; stroke-width: 1.5; }}
.score {{ fill: none; stroke: #1f6fb2; stroke-width: 2; }}
.stock {{ fill: #b8c4d0; }}
.converted {{ fill: #1f6fb2; }}
.axis {{ stroke: #999; }}
.grid {{ stroke: #eee; }}
table {{ border-collapse: collapse; }}
td, th {{ padding: 3px 10px; text-align: right; border-bottom: 1px solid #ddd; }}
td:first-child, th:first-child {{ text-align: left; }}
.matrix td, .matrix th {{ padding: 3px 6px; text-align: center; border: 1px solid #fff; }}
.matrix th {{ font-weight: normal; font-size: 12px; }}
.matrix th:first-child {{ text-align: right; }}
code {{ background: #f3f6f9; padding: 2px 4px; word-break: break-word; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{about}</p>
<div class="figures">{figures}</div>
<h2>Learning</h2>
<p><span style="color:#1f6fb2">held-out {measure}</span>, <span style="color:#6f8496">training
loss</span>, by epochs. The last weights are kept{averaged}; nothing is chosen by the held-out
examples.</p>
{curve}
{confusion}
<h2>Memory</h2>
<p>Bytes of activations alive while each operator runs: stock TFLM (grey) and the converted model
(blue), whose output bytes are the same{verified}.</p>
{memory}
<h2>Data</h2>
{data}
<h2>Command</h2>
<p><code>{command}</code></p>
</body>
</html>
"""


def page(result: TrainResult, command: str) -> str:
  """The text of the file.

  Args:
    result: What is reported.
    command: That trains the same again.
  """
  is_classes = result.dataset.task is Task.CLASSIFICATION
  verified = {True: ', as TFLM confirms', False: ' - <b>NOT SO</b>', None: ' (not verified here)'}
  return _PAGE.format(
    title='Training report',
    about=f'<code>{_text(result.name)}</code>',
    figures=_figures(result),
    measure='accuracy' if is_classes else 'mean absolute error',
    averaged=', averaged over the last steps' if result.options.average else '',
    curve=_curve(result),
    confusion=_confusion(result) if is_classes else '',
    verified=verified[result.verified],
    memory=_memory(result),
    data=_data(result),
    command=_text(command),
  )


def _text(text: str) -> str:
  return html.escape(printable(text))


def _figures(result: TrainResult) -> str:
  is_classes = result.dataset.task is Task.CLASSIFICATION
  unit = '{:.2f} %' if is_classes else '{:.4g}'
  what = 'accuracy' if is_classes else 'mean error'
  budgets, arena = result.budgets, result.converted.converted_arena
  over_arena = budgets.arena_bytes is not None and arena.required > budgets.arena_bytes
  over_flash = budgets.flash_bytes is not None and result.file_bytes > budgets.flash_bytes
  epochs = result.history[-1].epoch if result.history else 0
  return ''.join(
    (
      _figure(unit.format(result.int8.score), f'{what}, int8 by {result.int8.by.value}'),
      _figure(unit.format(result.float_score), f'{what}, float'),
      _figure(f'{arena.total:,} B', f'arena{_limit(budgets.arena_bytes)}', over_arena),
      _figure(f'{result.file_bytes:,} B', f'file{_limit(budgets.flash_bytes)}', over_flash),
      _figure(f'{result.converted.converted_macs:,}', 'multiply-accumulates'),
      _figure(f'{result.seconds / 60:,.1f} min', f'{epochs} epochs'),
    )
  )


def _figure(value: str, label: str, missed: bool = False) -> str:
  return f'<div class="figure{" missed" if missed else ""}"><b>{value}</b>{_text(label)}</div>'


def _limit(limit: int | None) -> str:
  return '' if limit is None else f', of {limit:,}'


class _Axis:
  """Values of one dimension as positions on a chart."""

  def __init__(self, low: float, high: float, start: float, end: float) -> None:
    self._low, self._span = low, (high - low) or 1.0
    self._start, self._end = start, end

  def at(self, value: float) -> float:
    part = (value - self._low) / self._span
    return round(self._start + part * (self._end - self._start), 1)

  def ticks(self) -> list[float]:
    return [self._low + self._span * k / (_TICKS - 1) for k in range(_TICKS)]


def _frame(label: str) -> list[str]:
  bottom = _HEIGHT - _BOTTOM
  return [
    f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">',
    f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>',
  ]


def _vertical(axis: _Axis, x: float, anchor: str, digits: int) -> list[str]:
  return [
    f'<text x="{x}" y="{axis.at(value) + 4}" text-anchor="{anchor}">{value:,.{digits}f}</text>'
    for value in axis.ticks()
  ]


def _curve(result: TrainResult) -> str:
  rows = result.history
  if not rows:
    return '<p>No epoch.</p>'
  bottom = _HEIGHT - _BOTTOM
  x = _Axis(min(rows[0].epoch, 1), max(rows[-1].epoch, 2), _LEFT, _WIDTH - _RIGHT)
  losses = [row.loss for row in rows]
  loss = _Axis(min(0.0, *losses), max(losses), bottom, _TOP)
  measured = [(row.epoch, row.score) for row in rows if row.score is not None]
  scores = [score for _, score in measured]
  score = _Axis(min(scores, default=0), max(scores, default=1), bottom, _TOP)
  parts = _frame('learning curve')
  parts += [
    f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
    for y in map(loss.at, loss.ticks()[1:])
  ]
  parts += _vertical(loss, _LEFT - 8, 'end', 2)
  parts += _vertical(score, _WIDTH - _RIGHT + 8, 'start', 1)
  whole = sorted({round(value) for value in x.ticks()})
  parts += [
    f'<text x="{x.at(value)}" y="{bottom + 18}" text-anchor="middle">{value}</text>'
    for value in whole
  ]
  parts.append(
    f'<polyline class="loss" points="{_points(x, loss, [(row.epoch, row.loss) for row in rows])}"/>'
  )
  parts.append(f'<polyline class="score" points="{_points(x, score, measured)}"/>')
  parts += [
    f'<circle class="converted" r="2.5" cx="{x.at(epoch)}" cy="{score.at(value)}">'
    f'<title>epoch {epoch}: {value:.4g}</title></circle>'
    for epoch, value in measured
  ]
  return '\n'.join([*parts, '</svg>'])


def _points(x: _Axis, y: _Axis, values: Sequence[tuple[float, float]]) -> str:
  return ' '.join(f'{x.at(first)},{y.at(second)}' for first, second in values)


def _memory(result: TrainResult) -> str:
  rows = analyze_conversion(result.converted).operators
  bottom = _HEIGHT - _BOTTOM
  most = max([*(row.live_before for row in rows), *(row.live_after for row in rows), 1]) / _KB
  y = _Axis(0, most, bottom, _TOP)
  width = (_WIDTH - _LEFT - _RIGHT) / max(len(rows), 1)
  parts = [*_frame('memory over operators'), *_vertical(y, _LEFT - 8, 'end', 1)]
  for number, row in enumerate(rows):
    left = _LEFT + number * width
    title = f'{row.index} {row.opcode}: {row.live_before:,} and {row.live_after:,} bytes'
    inner = f'<title>{_text(title)}</title>'
    for css, value in (('stock', row.live_before), ('converted', row.live_after)):
      top = y.at(value / _KB)
      parts.append(
        f'<rect class="{css}" x="{left:.1f}" width="{max(width * 0.85, 0.5):.1f}" y="{top}" '
        f'height="{max(bottom - top, 0):.1f}">{inner}</rect>'
      )
  middle = (_LEFT + _WIDTH - _RIGHT) / 2
  parts += [
    f'<text x="{middle}" y="{bottom + 18}" text-anchor="middle">operators</text>',
    f'<text transform="translate(14 {bottom / 2}) rotate(-90)" text-anchor="middle">KB</text>',
  ]
  return '\n'.join([*parts, '</svg>'])


def _confusion(result: TrainResult) -> str:
  classes, counts = result.dataset.classes, result.int8.confusion
  heading = '<h2>Confusion matrix</h2>'
  if len(classes) > _MOST_CLASSES:
    return heading + _most_confused(result)
  header = ''.join(f'<th>{_text(name)}</th>' for name in classes)
  lines = [f'<tr><th>is \\ int8 model says</th>{header}<th>right</th></tr>']
  for number, (name, row) in enumerate(zip(classes, counts)):
    whole = max(sum(row), 1)
    cells = ''.join(_cell(count, count / whole, number == k) for k, count in enumerate(row))
    lines.append(
      f'<tr><th>{_text(name)}</th>{cells}<th>{100 * row[number] / whole:.1f} %</th></tr>'
    )
  return f'{heading}<div class="scroll"><table class="matrix">{"".join(lines)}</table></div>'


def _cell(count: int, share: float, right: bool) -> str:
  hue, ink = ('31,111,178' if right else '200,70,50'), '#fff' if share > 0.5 else '#222'
  color = f'rgba({hue},{max(share, 0.03 if count else 0.0):.2f})'
  return f'<td style="background:{color};color:{ink}">{count or ""}</td>'


def _most_confused(result: TrainResult) -> str:
  classes = result.dataset.classes
  pairs = [
    (count, classes[row], classes[column])
    for row, counts in enumerate(result.int8.confusion)
    for column, count in enumerate(counts)
    if row != column and count
  ]
  lines = ['<tr><th>class</th><th>taken for</th><th>examples</th></tr>']
  lines += [
    f'<tr><td>{_text(name)}</td><td>{_text(other)}</td><td>{count:,}</td></tr>'
    for count, name, other in sorted(pairs, reverse=True)[:_CONFUSED]
  ]
  return f'<p>Most frequent of {len(classes)} classes:</p><table>{"".join(lines)}</table>'


def _data(result: TrainResult) -> str:
  dataset = result.dataset
  shape = 'x'.join(map(str, dataset.input_shape))
  rows = [
    ('examples to train with', f'{len(dataset.train):,}'),
    ('examples held out', f'{len(dataset.test):,}'),
    ('input', f'{shape}{": a pixel less 128 as int8" if dataset.is_images else ""}'),
    ('seed', str(result.options.seed)),
  ]
  rows += [(f'skipped: {why}', f'{count:,} files') for why, count in dataset.skipped.items()]
  lines = ''.join(f'<tr><td>{_text(a)}</td><td>{_text(b)}</td></tr>' for a, b in rows)
  return f'<table>{lines}</table>'
