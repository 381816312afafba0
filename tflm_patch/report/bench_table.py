# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A measured model as text."""

from __future__ import annotations

from tflm_patch.bench.estimate import Estimate
from tflm_patch.bench.result import BenchResult

_WIDTH = 60


def bench_summary(result: BenchResult, estimates: list[Estimate]) -> str:
  """The table of operators, totals, and estimates for chips."""
  lines = [
    f'{"operator":{_WIDTH}} {"calls":>6} {"MACs":>12} {"instructions":>13} {"per MAC":>8}'
    + ('' if result.cycles is None else f' {"cycles":>13}')
  ]
  for cost in result.operators:
    ratio = cost.instructions_per_mac
    per_mac = '' if ratio is None else f'{ratio:8.2f}'
    operator = cost.operator
    lines.append(
      f'{operator.description:{_WIDTH}} {operator.calls:6,} {operator.macs:12,} '
      f'{cost.instructions:13,} {per_mac:>8}'
      + ('' if cost.cycles is None else f' {cost.cycles:13,}')
    )
  per_mac = f', {result.instructions / result.macs:.2f} per MAC' if result.macs else ''
  share = 100 * result.executor_instructions / max(result.instructions, 1)
  lines += [
    '',
    f'instructions   {result.instructions:,}{per_mac} ({result.cpu}, {result.optimization})',
    *_cycles(result),
    *_bands(result),
    f'MACs           {result.macs:,}',
    f'executor       {result.executor_instructions:,} of the instructions ({share:.2f} %)',
    f'validation     {result.validate_instructions:,} instructions, once',
    f'workspace      {result.workspace:,} bytes',
    *([f'fast memory    {result.fast:,} bytes'] if result.fast else []),
    f'stack          {result.stack:,} bytes to run, {result.validate_stack:,} to validate',
    f'code           {result.code_bytes:,} bytes: executor and all kernels',
    f'exactness      {_exactness(result)}',
  ]
  lines += _cost_model(result)
  if result.stock_operators:
    names = ', '.join(dict.fromkeys(result.stock_operators))
    lines.append(f'not measured   {len(result.stock_operators)} operators outside stages: {names}')
  if estimates:
    if result.cycles is None:
      basis = f'{estimates[0].cycles_per_instruction:.2f} cycles per instruction assumed'
    else:
      basis = 'the modelled cycles at the highest clock'
    lines += ['', f'estimates, not measured: {basis}']
    lines += [
      f'  {estimate.target:<14} {estimate.milliseconds:10.1f} ms at '
      f'{estimate.clock_hz / 1e6:.0f} MHz'
      for estimate in estimates
    ]
  return '\n'.join(lines)


def _cost_model(result: BenchResult) -> list[str]:
  if result.predicted_instructions is None:
    return []
  fitted = ''
  if result.predicted_optimization != result.optimization:
    fitted = f' for {result.predicted_optimization}'
  error = 100 * (result.predicted_instructions / max(result.instructions, 1) - 1)
  text = f'{result.predicted_instructions:,} instructions ({error:+.1f} %)'
  if result.predicted_cycles is not None:
    text += f', {result.predicted_cycles:,} cycles'
    if result.cycles is not None and result.cycles.total.cycles:
      total = result.cycles.total
      error = 100 * (result.predicted_cycles / (total.cycles - total.waits) - 1)
      text += f' ({error:+.1f} %)'
  return [f'cost model     {text} predicted{fitted}']


def _cycles(result: BenchResult) -> list[str]:
  found = result.cycles
  if found is None:
    return [f'cycles         not modelled: {result.cycles_missing}']
  total = found.total
  per_mac = f', {total.cycles / result.macs:.2f} per MAC' if result.macs else ''
  bounds = f'{total.least:,} to {total.most:,}'
  memory = 'memory that does not wait'
  if found.wait_states:
    memory = f'flash of {found.wait_states} wait states, {total.waits:,} of them waiting'
  return [
    f'cycles         {total.cycles:,}{per_mac} modelled, {bounds}; {memory}',
    f'               {found.source}',
  ]


def _bands(result: BenchResult) -> list[str]:
  if result.bands == 1:
    return []
  share = 100 * result.longest_band / max(result.instructions, 1)
  cycles = '' if result.cycles is None else f', {result.cycles.longest_band:,} cycles'
  return [
    f"longest band   {result.longest_band:,} instructions, {share:.0f} % of the frame's "
    f'{result.bands} bands together{cycles}'
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
