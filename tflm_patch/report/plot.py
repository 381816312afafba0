# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Charts: bytes alive per operator, stock and converted; arena against MACs."""

from __future__ import annotations

import io
import os
from typing import Any

from tflm_patch.analysis.memory import Analysis
from tflm_patch.analysis.pareto import Pareto
from tflm_patch.errors import EnvironmentMissing, printable
from tflm_patch.graph.files import write_atomically

STOCK, CONVERTED = '#b8c4d0', '#1f6fb2'
_KB = 1024


def plot_memory(analysis: Analysis, path: str | os.PathLike[str]) -> None:
  """Writes a PNG with one pair of bars per operator.

  Raises:
    EnvironmentMissing: matplotlib is not installed.
    TflmPatchError: the file cannot be written.
  """
  pyplot = pyplot_module()
  rows = analysis.operators
  result = analysis.conversion
  positions = range(len(rows))
  figure, axes = pyplot.subplots(
    2, 1, figsize=(max(7.0, min(18.0, 0.22 * len(rows) + 3)), 6.4), sharex=True, sharey=True
  )
  panels = (
    ('stock TFLM', [row.live_before for row in rows], STOCK, result.original_arena.head),
    ('tflm-patch', [row.live_after for row in rows], CONVERTED, result.converted_arena.head),
  )
  for axis, (label, values, color, head) in zip(axes, panels):
    axis.bar(positions, [value / _KB for value in values], width=0.85, color=color)
    axis.axhline(head / _KB, color='#444444', linewidth=0.8, linestyle='--')
    axis.text(
      len(rows) - 0.5,
      head / _KB,
      f'{label}: peak {head / _KB:,.1f} KB ',
      ha='right',
      va='bottom',
      fontsize=10,
      color='#222222',
    )
    axis.set_ylabel('activations alive, KB')
    axis.spines[['top', 'right']].set_visible(False)
    axis.margins(x=0.01)
  axes[0].set_ylim(0, result.original_arena.head / _KB * 1.14)
  step = max(1, len(rows) // 40)
  axes[1].set_xticks(list(positions)[::step])
  axes[1].set_xticklabels(
    [f'{row.index} {row.opcode}' for row in rows][::step], rotation=90, fontsize=7
  )
  name = printable(os.path.basename(result.original.source)) or 'model'
  factor = result.original_arena.head / max(result.converted_arena.head, 1)
  for label in axes[1].get_xticklabels():
    label.set_parse_math(False)
  title = f'{name}: {factor:.1f}x less activation memory, same output bytes'
  figure.suptitle(title, fontsize=12, parse_math=False)
  figure.tight_layout()
  write_png(pyplot, figure, path)


def plot_pareto(found: Pareto, model: str, path: str | os.PathLike[str]) -> None:
  """Writes a PNG of arena against MACs, the optimal points joined.

  Raises:
    EnvironmentMissing: matplotlib is not installed.
    TflmPatchError: the file cannot be written.
  """
  pyplot = pyplot_module()
  figure, axis = pyplot.subplots(figsize=(8.0, 5.2))
  for optimal, color, label in ((False, STOCK, 'beaten'), (True, CONVERTED, 'optimal')):
    points = [point for point in found.points if point.optimal == optimal]
    axis.scatter(
      [point.arena_total / _KB for point in points],
      [point.macs / found.stock_macs for point in points],
      color=color,
      label=label,
      zorder=3 if optimal else 2,
    )
    for point in points if optimal else ():
      axis.annotate(
        point.options,
        (point.arena_total / _KB, point.macs / found.stock_macs),
        textcoords='offset points',
        xytext=(5, 5),
        fontsize=7,
      )
  axis.axvline(found.stock_arena / _KB, color='#444444', linewidth=0.8, linestyle='--')
  axis.text(found.stock_arena / _KB, 1.0, 'stock ', ha='right', fontsize=8)
  axis.set_xlabel('arena, KB')
  axis.set_ylabel('MACs, stock = 1')
  axis.spines[['top', 'right']].set_visible(False)
  axis.legend(frameon=False)
  figure.suptitle(printable(os.path.basename(model)), fontsize=12, parse_math=False)
  figure.tight_layout()
  write_png(pyplot, figure, path)


def pyplot_module() -> Any:
  """matplotlib's, without a display.

  Raises:
    EnvironmentMissing: matplotlib is not installed.
  """
  try:
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot
  except ImportError as error:
    raise EnvironmentMissing(
      'plots need matplotlib; install it with: pip install "tflm-patch[plot]"'
    ) from error
  return pyplot


def require_matplotlib() -> None:
  """Checks that charts can be drawn.

  Raises:
    EnvironmentMissing: matplotlib is not installed.
  """
  pyplot_module()


def write_png(pyplot: Any, figure: Any, path: str | os.PathLike[str]) -> None:
  """Writes a figure and closes it."""
  buffer = io.BytesIO()
  figure.savefig(buffer, format='png', dpi=130)
  pyplot.close(figure)
  write_atomically(path, buffer.getvalue())
