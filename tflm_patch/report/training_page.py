# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A training as one HTML file with figures and charts, nothing to load."""

from __future__ import annotations

from tflm_patch.analysis.memory import analyze_conversion
from tflm_patch.report.html_page import command, document, figure, figures, table_row, text
from tflm_patch.report.svg_chart import Chart, polyline
from tflm_patch.training.data.dataset import Task
from tflm_patch.training.result import TrainResult

_KB = 1024
_CHART = Chart(300, left=60, right=60, bottom=42)
_MOST_CLASSES = 60  # of which the whole matrix is shown
_CONFUSED = 12  # pairs that are listed of more

_STYLE = """
.loss { fill: none; stroke: #8fa3b5; stroke-width: 1.5; }
.score { fill: none; stroke: #1f6fb2; stroke-width: 2; }
td:first-child, th:first-child { text-align: left; }
.matrix td, .matrix th { padding: 3px 6px; text-align: center; border: 1px solid #fff; }
.matrix th { font-weight: normal; font-size: 12px; }
.matrix th:first-child { text-align: right; }
"""


def page(result: TrainResult, line: str) -> str:
  """The text of the file.

  Args:
    result: What is reported.
    line: The command that trains the same again.
  """
  is_classes = result.dataset.task is Task.CLASSIFICATION
  measure = result.dataset.task.measure
  averaged = ', averaged over the last steps' if result.options.average else ''
  verified = {True: ', as TFLM confirms', False: ' - <b>NOT SO</b>', None: ' (not verified here)'}
  return document(
    'Training report',
    _STYLE,
    [
      f'<p><code>{text(result.name)}</code></p>',
      _figures(result),
      '<h2>Learning</h2>',
      f'<p><span style="color:#1f6fb2">held-out {measure}</span>, <span style="color:#6f8496">'
      f'training loss</span>, by epochs. The last weights are kept{averaged}; nothing is chosen '
      'by the held-out examples.</p>',
      _curve(result),
      _confusion(result) if is_classes else '',
      _detector(result),
      '<h2>Memory</h2>',
      '<p>Bytes of activations alive while each operator runs: stock TFLM (grey) and the '
      f'converted model (blue), whose output bytes are the same{verified[result.verified]}.</p>',
      _memory(result),
      '<h2>Data</h2>',
      _data(result),
      *command(line),
    ],
  )


def _figures(result: TrainResult) -> str:
  task = result.dataset.task
  budgets, arena = result.budgets, result.converted.converted_arena
  over_arena = budgets.arena_bytes is not None and arena.required > budgets.arena_bytes
  over_flash = budgets.flash_bytes is not None and result.file_bytes > budgets.flash_bytes
  epochs = result.history[-1].epoch if result.history else 0
  return figures(
    (
      figure(task.text(result.int8.score), f'{task.measure}, int8 by {result.int8.by.value}'),
      figure(task.text(result.float_score), f'{task.measure}, float'),
      figure(f'{arena.total:,} B', f'arena{_limit(budgets.arena_bytes)}', over_arena),
      figure(f'{result.file_bytes:,} B', f'file{_limit(budgets.flash_bytes)}', over_flash),
      figure(f'{result.converted.converted_macs:,}', 'multiply-accumulates'),
      figure(f'{result.seconds / 60:,.1f} min', f'{epochs} epochs'),
    )
  )


def _limit(limit: int | None) -> str:
  return '' if limit is None else f', of {limit:,}'


def _curve(result: TrainResult) -> str:
  rows = result.history
  if not rows:
    return '<p>No epoch.</p>'
  x = _CHART.horizontal(min(rows[0].epoch, 1), max(rows[-1].epoch, 2))
  losses = [row.loss for row in rows]
  loss = _CHART.vertical(min(0.0, *losses), max(losses))
  measured = [(row.epoch, row.score) for row in rows if row.score is not None]
  scores = [score for _, score in measured]
  score = _CHART.vertical(min(scores, default=0), max(scores, default=1))
  parts = [
    *_CHART.opened('learning curve'),
    *_CHART.grid(loss)[1:],
    *_CHART.beside(loss, ',.2f'),
    *_CHART.beside(score, ',.1f', at_right=True),
    *_CHART.below(x, '.0f', sorted({round(value) for value in x.ticks()})),
    polyline('loss', x, loss, [(row.epoch, row.loss) for row in rows]),
    polyline('score', x, score, measured),
  ]
  parts += [
    f'<circle class="converted" r="2.5" cx="{x.at(epoch)}" cy="{score.at(value)}">'
    f'<title>epoch {epoch}: {value:.4g}</title></circle>'
    for epoch, value in measured
  ]
  return '\n'.join([*parts, '</svg>'])


def _memory(result: TrainResult) -> str:
  rows = analyze_conversion(result.converted).operators
  most = max([*(row.live_before for row in rows), *(row.live_after for row in rows), 1]) / _KB
  y = _CHART.vertical(0, most)
  width = (_CHART.edge - _CHART.left) / max(len(rows), 1)
  parts = [*_CHART.opened('memory over operators'), *_CHART.beside(y, ',.1f')]
  for number, row in enumerate(rows):
    left = _CHART.left + number * width
    title = f'{row.index} {row.opcode}: {row.live_before:,} and {row.live_after:,} bytes'
    inner = f'<title>{text(title)}</title>'
    for css, value in (('stock', row.live_before), ('converted', row.live_after)):
      top = y.at(value / _KB)
      parts.append(
        f'<rect class="{css}" x="{left:.1f}" width="{max(width * 0.85, 0.5):.1f}" y="{top}" '
        f'height="{max(_CHART.floor - top, 0):.1f}">{inner}</rect>'
      )
  return '\n'.join([*parts, *_CHART.titles('operators', 'KB'), '</svg>'])


def _confusion(result: TrainResult) -> str:
  classes, counts = result.dataset.classes, result.int8.confusion
  heading = '<h2>Confusion matrix</h2>'
  if len(classes) > _MOST_CLASSES:
    return heading + _most_confused(result)
  header = ''.join(f'<th>{text(name)}</th>' for name in classes)
  lines = [f'<tr><th>is \\ int8 model says</th>{header}<th>right</th></tr>']
  for number, (name, row) in enumerate(zip(classes, counts)):
    whole = max(sum(row), 1)
    cells = ''.join(_cell(count, count / whole, number == k) for k, count in enumerate(row))
    lines.append(f'<tr><th>{text(name)}</th>{cells}<th>{100 * row[number] / whole:.1f} %</th></tr>')
  return f'{heading}<div class="scroll"><table class="matrix">{"".join(lines)}</table></div>'


def _detector(result: TrainResult) -> str:
  detector = result.detector
  if detector is None:
    return ''
  rows = [
    ('threshold, in anomaly.h', f'{detector.threshold:,}'),
    ('as a mean squared error', f'{detector.threshold_error:.4g}'),
    ('part of normal examples it was chosen by', f'{100 * detector.quantile:g} %'),
    (f'of {detector.normal:,} others, false alarms', f'{100 * detector.false_alarms:.1f} %'),
    ('anomalies measured on', f'{detector.anomalous:,}'),
  ]
  for what in ('auc', 'precision', 'recall', 'f1'):
    value = getattr(detector, what)
    rows += [] if value is None else [(what.upper() if len(what) < 4 else what, f'{value:.3f}')]
  lines = ''.join(table_row('td', cells) for cells in rows)
  return f'<h2>Anomalies</h2><table>{lines}</table>'


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
    f'<tr><td>{text(name)}</td><td>{text(other)}</td><td>{count:,}</td></tr>'
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
  lines = ''.join(table_row('td', cells) for cells in rows)
  return f'<table>{lines}</table>'
