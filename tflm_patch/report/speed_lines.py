# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A predicted speed as text."""

from __future__ import annotations

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
