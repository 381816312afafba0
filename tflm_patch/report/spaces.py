# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The ranking of search spaces: a table, and a chart of the work of what fits."""

from __future__ import annotations

import os
from collections.abc import Sequence

from tflm_patch.nas.search_space import QUANTILE, SubSpace
from tflm_patch.report.plot import CONVERTED, STOCK, pyplot_module, write_png

_SHOWN = 12
_MEGA = 1e6


def spaces_table(ranking: Sequence[SubSpace], most: int = _SHOWN) -> str:
  """Lines of a table, the most promising spaces first."""
  rows = [('input', 'width', 'fit', 'mean MMACs', f'{100 * QUANTILE:.0f} % below, MMACs')]
  rows += [
    (
      'x'.join(map(str, each.input_shape)),
      f'{each.width:g}',
      f'{100 * each.fitting:.1f} %',
      f'{each.mean / _MEGA:,.2f}',
      f'{each.quantile(QUANTILE) / _MEGA:,.2f}',
    )
    for each in ranking[:most]
  ]
  sizes = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
  lines = ['  '.join(cell.rjust(size) for cell, size in zip(row, sizes)) for row in rows]
  if len(ranking) > most:
    lines.append(f'... and {len(ranking) - most} more')
  return '\n'.join(lines)


def plot_spaces(
  ranking: Sequence[SubSpace], title: str, path: str | os.PathLike[str], most: int = _SHOWN
) -> None:
  """Writes a PNG: for each space, the part of what fits below a number of MACs.

  As figure 3 of the paper: the further right a curve, the better the space.

  Raises:
    EnvironmentMissing: matplotlib is not installed.
    TflmPatchError: the file cannot be written.
  """
  pyplot = pyplot_module()
  figure, axis = pyplot.subplots(figsize=(8.0, 5.2))
  shown = [each for each in ranking if each.macs][:most]
  for rank, each in reversed(list(enumerate(shown))):
    parts = [(k + 1) / len(each.macs) for k in range(len(each.macs))]
    side = f'{each.input_shape[0]}x{each.input_shape[1]}'
    label = f'{side}, width {each.width:g}: mean {each.mean / _MEGA:,.1f} M, {each.fitting:.0%} fit'
    is_best = rank == 0
    axis.step(
      [macs / _MEGA for macs in each.macs],
      parts,
      where='post',
      color=CONVERTED if is_best else STOCK,
      linewidth=2.0 if is_best else 1.0,
      alpha=1.0 if is_best else max(0.25, 1 - rank / len(shown)),
      label=label if rank < 6 else None,
    )
  axis.axhline(QUANTILE, color='#444444', linewidth=0.8, linestyle='--')
  axis.set_xlabel('million multiply-accumulates of networks that fit')
  axis.set_ylabel('cumulative part')
  axis.set_ylim(0, 1.02)
  axis.spines[['top', 'right']].set_visible(False)
  handles, labels = axis.get_legend_handles_labels()
  if handles:
    axis.legend(handles[::-1], labels[::-1], frameon=False, fontsize=8, loc='lower right')
  figure.suptitle(title, fontsize=12, parse_math=False)
  figure.tight_layout()
  write_png(pyplot, figure, path)
