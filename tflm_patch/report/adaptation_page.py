# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Training on the chip as one HTML file: what is updated, memory over time, accuracy."""

from __future__ import annotations

import html
from collections.abc import Sequence

from tflm_patch.errors import printable
from tflm_patch.on_device.component import TrainingComponent
from tflm_patch.on_device.simulation.adaptation import Adaptation

# Of a chart, in pixels: size and margins.
_WIDTH, _HEIGHT, _MARGIN, _BOTTOM = 860, 260, 60, 40
_TICKS = 5

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Training on the chip</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 900px; padding: 0 1em;
  color: #222; }}
h1 {{ font-size: 1.4em; margin-bottom: 0; }}
h2 {{ font-size: 1.1em; margin-top: 2em; }}
.figures {{ display: flex; flex-wrap: wrap; gap: 12px; margin: 1em 0; }}
.figure {{ background: #f3f6f9; border-radius: 6px; padding: 10px 16px; min-width: 150px; }}
.figure b {{ display: block; font-size: 1.5em; }}
svg {{ width: 100%; height: auto; }}
svg text {{ font-size: 12px; fill: #444; }}
.line {{ fill: none; stroke: #1f6fb2; stroke-width: 2; }}
.bar {{ fill: #1f6fb2; }}
.axis {{ stroke: #999; }}
table {{ border-collapse: collapse; }}
td, th {{ padding: 3px 10px; text-align: right; border-bottom: 1px solid #ddd; }}
td:first-child, th:first-child {{ text-align: left; }}
code {{ background: #f3f6f9; padding: 2px 4px; word-break: break-word; }}
</style>
</head>
<body>
<h1>Training on the chip</h1>
<div class="figures">{figures}</div>
<h2>What is updated</h2>
{updated}
<h2>Memory over a training step</h2>
<p>Bytes that each step needs at once; the whole is what they take when every buffer has its
place.</p>
{memory}
<h2>Learning, simulated</h2>
<p>{measure} of samples that nothing was chosen by, over updates.</p>
{curve}
<h2>Command</h2>
<p><code>{command}</code></p>
</body>
</html>
"""


def page(found: Adaptation, component: TrainingComponent, command: str) -> str:
  """The text of the file.

  Args:
    found: What is reported.
    component: Its C.
    command: That finds the same again.
  """
  last, memory = found.learned.last, found.memory
  is_classes = last.accuracy is not None
  figures = [
    (_score(last.accuracy, last.loss), 'after training, simulated'),
    (_score(found.head_alone.accuracy, found.head_alone.loss), 'of the last layer alone'),
    (f'{memory.total:,} B', f'a training step, of {found.options.memory:,}'),
    (f'{memory.over_inference:,} B', 'more than an inference'),
    (found.options.training.arithmetic.value, 'arithmetic of gradients'),
    (f'{memory.momentum:,} B', 'more with momentum, which is not used'),
    (f'{found.instructions.ratio:.2f}', f'inferences a step, {found.instructions.cpu}, predicted'),
    (f'{component.constants_bytes:,} B', 'constants in flash'),
    (f'{found.rate:g}', 'learning rate'),
  ]
  points = [
    (each.step, each.loss if each.accuracy is None else 100 * each.accuracy)
    for each in found.learned.curve
  ]
  return _PAGE.format(
    figures=''.join(
      f'<div class="figure"><b>{value}</b>{_text(label)}</div>' for value, label in figures
    ),
    updated=_updated(found),
    memory=_bars([(step.name, step.live) for step in memory.steps]),
    measure='Accuracy (per cent)' if is_classes else 'Loss',
    curve=_curve(points),
    command=_text(command),
  )


def _text(text: str) -> str:
  return html.escape(printable(text))


def _score(accuracy: float | None, loss: float) -> str:
  return f'{loss:.4g}' if accuracy is None else f'{100 * accuracy:.2f} %'


def _updated(found: Adaptation) -> str:
  lines = ['<tr><th>layer</th><th>weights</th><th>input channels</th><th>biases</th></tr>']
  for update in found.scheme.updates:
    layer = found.network.layers[update.operator]
    chosen, whole = len(update.input_channels), layer.initial.weights.size
    biases = layer.channels_out if update.bias else 0
    cells = (
      _text(layer.view.name),
      f'{whole // layer.channels * chosen:,} of {whole:,}',
      f'{chosen} of {layer.channels}',
      f'{biases}',
    )
    lines.append(f'<tr>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>')
  return f'<table>{"".join(lines)}</table>'


def _frame(label: str, low: float, high: float) -> list[str]:
  """The beginning of a chart, with a scale from low to high."""
  bottom = _HEIGHT - _BOTTOM
  parts = [
    f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">',
    f'<line class="axis" x1="{_MARGIN}" x2="{_WIDTH}" y1="{bottom}" y2="{bottom}"/>',
  ]
  for k in range(_TICKS):
    value = low + (high - low) * k / (_TICKS - 1)
    y = bottom - (bottom - 10) * k / (_TICKS - 1)
    text = f'{value:,.0f}' if high - low > _TICKS else f'{value:.3g}'
    parts.append(f'<text x="{_MARGIN - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
  return parts


def _bars(values: Sequence[tuple[str, int]]) -> str:
  high = max(value for _, value in values)
  bottom, width = _HEIGHT - _BOTTOM, (_WIDTH - _MARGIN) / len(values)
  parts = _frame('memory over time', 0, high)
  for number, (name, value) in enumerate(values):
    height = (bottom - 10) * value / high
    parts.append(
      f'<rect class="bar" x="{_MARGIN + number * width + 0.5:.1f}" y="{bottom - height:.1f}" '
      f'width="{max(width - 1, 0.5):.1f}" height="{height:.1f}">'
      f'<title>{_text(name)}: {value:,} bytes</title></rect>'
    )
  middle = (_MARGIN + _WIDTH) / 2
  parts.append(f'<text x="{middle}" y="{bottom + 22}" text-anchor="middle">steps</text></svg>')
  return '\n'.join(parts)


def _curve(points: Sequence[tuple[int, float]]) -> str:
  values = [value for _, value in points]
  low, high = min(values), max(values)
  span, last, bottom = (high - low) or 1.0, max(points[-1][0], 1), _HEIGHT - _BOTTOM
  places = [
    (_MARGIN + (_WIDTH - _MARGIN - 10) * step / last, bottom - (bottom - 10) * (value - low) / span)
    for step, value in points
  ]
  parts = _frame('accuracy over updates', low, low + span)
  line = ' '.join(f'{x:.1f},{y:.1f}' for x, y in places)
  parts.append(f'<polyline class="line" points="{line}"/>')
  parts += [
    f'<circle class="bar" r="3" cx="{x:.1f}" cy="{y:.1f}">'
    f'<title>{step:,} updates: {value:.4g}</title></circle>'
    for (x, y), (step, value) in zip(places, points)
  ]
  middle = (_MARGIN + _WIDTH) / 2
  parts.append(
    f'<text x="{middle}" y="{bottom + 22}" text-anchor="middle">updates, 0 to {last:,}</text></svg>'
  )
  return '\n'.join(parts)
