# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A measured training step as text."""

from __future__ import annotations

from collections.abc import Sequence

from tflm_patch.bench.estimate import Estimate
from tflm_patch.on_device.step_bench import StepBench
from tflm_patch.report.tables import table


def step_summary(found: StepBench, estimates: Sequence[Estimate]) -> str:
  """The table of parts, totals, and estimates for chips."""
  cost, memory = found.cost, found.memory
  cycles = cost.cycles
  rows = [
    (
      part.name,
      f'{part.instructions:,.0f}',
      *([] if part.cycles is None else [f'{part.cycles.cycles:,}']),
    )
    for part in cost.parts
  ]
  head = ('part of the step', 'instructions', *([] if cycles is None else ['cycles']))
  planned = 'as planned' if found.is_as_planned else f'but {memory.total:,} were PLANNED'
  lines = [
    table(head, rows),
    '',
    f'step           {cost.step:,.0f} instructions, {found.ratio:.2f} times an inference '
    f'({cost.cpu}, {cost.optimization})',
    f'inference      {found.inference:,.0f} instructions, of the model compiled for that alone',
  ]
  if cycles is None:
    lines.append(f'cycles         not modelled: {cost.cycles_missing}')
  else:
    waits = f', {cycles.waits:,} of them waiting for flash' if cycles.waits else ''
    lines.append(
      f'cycles         {cycles.cycles:,} modelled, {cycles.least:,} to {cycles.most:,}{waits}'
    )
  lines += [
    f'memory         {cost.memory:,} bytes, {planned}; {memory.over_inference:,} more than an '
    'inference',
    f'stack          {cost.stack:,} bytes',
    f'flash          {found.constants:,} bytes of constants, {cost.code:,} of kernels',
    f'parameters     {memory.parameters:,} weights and biases are trained',
  ]
  if estimates:
    basis = 'instructions' if cycles is None else 'the modelled cycles'
    lines += ['', f'estimates of a step, not measured: {basis} at the highest clock']
    lines += [
      f'  {each.target:<14} {each.milliseconds:10.1f} ms at {each.clock_hz / 1e6:.0f} MHz'
      for each in estimates
    ]
  return '\n'.join(lines)
