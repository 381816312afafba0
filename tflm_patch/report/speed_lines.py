# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A predicted speed, and the memories that it depends on, as text."""

from __future__ import annotations

from tflm_patch.analysis.fast_memory import FastMemory
from tflm_patch.analysis.speed import PredictedSpeed


def speed_lines(speed: PredictedSpeed | None) -> list[str]:
  """Lines of `analyze`; none where nothing is predicted."""
  if speed is None:
    return []

  def time(milliseconds: float | None) -> str:
    return '' if milliseconds is None else f', {milliseconds:,.1f} ms'

  part = '' if speed.whole else ' in the stages'
  lines = [
    f'speed: about {speed.cycles / 1e6:,.2f} million cycles{time(speed.milliseconds)}{part} '
    f'(predicted for {speed.cpu})'
  ]
  if speed.invocations > 1:
    share = 100 * speed.longest_cycles / max(speed.cycles, 1)
    lines.append(
      f'longest of {speed.invocations} invocations: about {speed.longest_cycles / 1e6:,.2f} '
      f'million cycles{time(speed.longest_milliseconds)}, {share:.0f} % of the frame'
    )
  return lines


def fast_memory_lines(found: FastMemory | None) -> list[str]:
  """Lines of `analyze`; none where there is one memory."""
  if found is None:
    return []
  return [
    f'fast memory: {found.bytes:,} of {found.limit:,} bytes, about '
    f'{found.fast_accesses / 1e6:,.2f} million accesses; {found.slow_accesses / 1e6:,.2f} million '
    f'to the arena, at {found.slow_cycles} cycles: {found.waiting_cycles / 1e6:,.2f} million '
    'cycles of waiting',
    *(f'  {size:>10,}  {name}' for name, size in found.buffers),
  ]
