# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What `tflm-patch fit` prints."""

from __future__ import annotations

from collections.abc import Sequence

from tflm_patch.conversion.fit import Fit
from tflm_patch.report.tables import table


def fits_table(found: Sequence[Fit]) -> str:
  """A line a chip."""
  has_fast = any(fit.fast_limit is not None for fit in found)
  rows = [
    (
      fit.target,
      fit.verdict.value,
      fit.option,
      fit.bound_by if not fit.fits else '',
      f'{fit.arena:,}',
      f'{fit.arena_limit:,}',
      f'{fit.spare_bytes:+,}',
      *([_fast(fit)] if has_fast else []),
      f'{fit.flash:,}',
      'external' if fit.flash_limit is None else f'{fit.flash_limit:,}',
    )
    for fit in found
  ]
  fast = ('fast',) if has_fast else ()
  header = ('target', '', 'fits with', 'bound by', 'arena', 'of', 'spare', *fast, 'flash', 'of')
  return table(header, rows, left=4)


def fit_summary(fit: Fit) -> str:
  """The answer for one chip."""
  lines = [f'{fit.target}: {fit.verdict.value}']
  left = 'left' if fit.spare_bytes >= 0 else 'missing'
  lines.append(
    f'arena: {fit.arena:,} bytes, in an array of {fit.arena_required:,} of {fit.arena_limit:,}:'
    f' {abs(fit.spare_bytes):,} {left}'
  )
  if fit.fast_limit is not None:
    lines.append(f'fast memory: {_fast(fit)} bytes')
  limit = 'external flash' if fit.flash_limit is None else f'{fit.flash_limit:,} bytes'
  lines.append(f'flash: {fit.flash:,} bytes of {limit}, without the kernels')
  lines.append(f'work: {fit.macs:,} MACs{_instructions(fit)}')
  if fit.bound_by:
    lines.append(f'bound by: {fit.bound_by}')
  if fit.option:
    lines.append(f'fits with {fit.option}: an arena of {fit.option_arena:,} bytes')
  elif not fit.fits:
    lines.append('no option was found that makes it fit; a smaller model or input would')
  return '\n'.join(lines)


def _fast(fit: Fit) -> str:
  return '' if fit.fast_limit is None else f'{fit.fast:,} of {fit.fast_limit:,}'


def _instructions(fit: Fit) -> str:
  if fit.instructions is None:
    return ''
  text = f', about {fit.instructions / 1e6:,.1f} million instructions'
  if fit.cycles is not None and fit.milliseconds is not None:
    text += f', {fit.cycles / 1e6:,.1f} million cycles, {fit.milliseconds:,.1f} ms'
  return f'{text} (a model, not a measurement)'
