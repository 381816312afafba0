# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A measured model as text."""

from __future__ import annotations

from tflm_patch.bench.estimate import Estimate
from tflm_patch.bench.measure import BenchResult

_WIDTH = 60


def bench_summary(result: BenchResult, estimates: list[Estimate]) -> str:
  """The table of operators, totals, and estimates for chips."""
  lines = [f'{"operator":{_WIDTH}} {"calls":>6} {"MACs":>12} {"instructions":>13} {"per MAC":>8}']
  for cost in result.operators:
    ratio = cost.instructions_per_mac
    per_mac = '' if ratio is None else f'{ratio:8.2f}'
    operator = cost.operator
    lines.append(
      f'{operator.description:{_WIDTH}} {operator.calls:6,} {operator.macs:12,} '
      f'{cost.instructions:13,} {per_mac:>8}'
    )
  per_mac = f', {result.instructions / result.macs:.2f} per MAC' if result.macs else ''
  share = 100 * result.executor_instructions / max(result.instructions, 1)
  lines += [
    '',
    f'instructions   {result.instructions:,}{per_mac} ({result.cpu}, {result.optimization})',
    *_bands(result),
    f'MACs           {result.macs:,}',
    f'executor       {result.executor_instructions:,} of the instructions ({share:.2f} %)',
    f'validation     {result.validate_instructions:,} instructions, once',
    f'workspace      {result.workspace:,} bytes',
    f'stack          {result.stack:,} bytes to run, {result.validate_stack:,} to validate',
    f'code           {result.code_bytes:,} bytes: executor and all kernels',
    f'exactness      {_exactness(result)}',
  ]
  if result.predicted_instructions is not None:
    error = 100 * (result.predicted_instructions / max(result.instructions, 1) - 1)
    fitted = (
      ''
      if result.predicted_optimization == result.optimization
      else f' for {result.predicted_optimization}'
    )
    lines.append(
      f'cost model     {result.predicted_instructions:,} instructions predicted{fitted} '
      f'({error:+.1f} %)'
    )
  if result.stock_operators:
    names = ', '.join(dict.fromkeys(result.stock_operators))
    lines.append(f'not measured   {len(result.stock_operators)} operators outside stages: {names}')
  if estimates:
    assumed = estimates[0].cycles_per_instruction
    lines += ['', f'estimates, not measured: {assumed:.2f} cycles per instruction assumed']
    lines += [
      f'  {estimate.target:<14} {estimate.milliseconds:10.1f} ms at '
      f'{estimate.clock_hz / 1e6:.0f} MHz'
      for estimate in estimates
    ]
  return '\n'.join(lines)


def _bands(result: BenchResult) -> list[str]:
  if result.bands == 1:
    return []
  share = 100 * result.longest_band / max(result.instructions, 1)
  return [
    f"longest band   {result.longest_band:,} instructions, {share:.0f} % of the frame's "
    f'{result.bands} bands together'
  ]


def _exactness(result: BenchResult) -> str:
  if not result.exact_on_host:
    return 'OUTPUTS DIFFER from the original model, in TFLM on this computer already'
  reference = 'the original model' if result.compared_with_original else 'the converted model'
  if result.different_bytes:
    return f'{result.different_bytes:,} output bytes DIFFER from {reference} in TFLM'
  if result.stray_bytes:
    return f"{result.stray_bytes:,} bytes WRITTEN outside the stage's memory"
  return f'every output byte equal to {reference} in TFLM'
