# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The curve of bytes against what is computed again, as a table."""

from __future__ import annotations

from tflm_patch.analysis.hop_curve import HopCurve
from tflm_patch.report.tables import table


def hop_curve_summary(curve: HopCurve) -> str:
  """What `pareto --hop` prints."""
  whole = max(curve.stock_macs, 1)
  rows = [
    (
      f'--arena {point.arena_required}',
      f'{point.arena_total:,}',
      f'{point.state_bytes:,}',
      f'{point.macs:,}',
      f'{point.macs / whole:.3f}x',
      f'{point.macs_again / whole:.3f}x',
      '*' if point.optimal else '',
    )
    for point in curve.points
  ]
  header = ('options', 'arena', 'state', 'MACs', 'of a window', 'again', 'best')
  return '\n'.join(
    [
      table(header, rows),
      '',
      f'stock: arena {curve.stock_arena:,} bytes, {curve.stock_macs:,} MACs a window; a hop of '
      f'{curve.hop} rows. State is a part of the arena.',
    ]
  )
