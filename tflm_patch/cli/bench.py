# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch bench."""

from __future__ import annotations

import dataclasses
import json

from absl import flags

from tflm_patch import targets
from tflm_patch.bench import cpus
from tflm_patch.bench.estimate import core_of, estimates
from tflm_patch.bench.image import OPTIMIZATIONS
from tflm_patch.bench.measure import bench
from tflm_patch.cli import convert_flags
from tflm_patch.cli.command import Command, Progress, UsageError
from tflm_patch.report.bench_table import bench_summary
from tflm_patch.targets import Target


def _define(values: flags.FlagValues) -> None:
  convert_flags.define(values)
  flags.DEFINE_string(
      'cpu', None, f'the core: {", ".join(cpus.CPUS)}; without it that of --target',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_enum(
      'optimization', 'O2', [flag[1:] for flag in OPTIMIZATIONS], 'of the C compiler',
      short_name='O', flag_values=values,
  )  # fmt: skip


def _run(values: flags.FlagValues, arguments: list[str]) -> int:
  chip = None if values.target is None else targets.load(values.target)
  core = _core(values, chip)
  progress = Progress(not values.json)
  try:
    result = bench(
        arguments[0], core, convert_flags.options(values), f'-{values.optimization}', progress
    )
  finally:
    progress.done()
  found = estimates(result.instructions, core, None if chip is None else [chip])
  if values.json:
    chips = [dataclasses.asdict(estimate) for estimate in found]
    print(json.dumps({**result.to_json(), 'estimates': chips}, indent=2))
  else:
    print(bench_summary(result, found))
  return 0 if result.bit_exact else 1


def _core(values: flags.FlagValues, chip: Target | None) -> str:
  """The core to measure on."""
  if values.cpu is not None:
    core = cpus.find(values.cpu).name
    if chip is not None and core_of(chip) != core:
      raise UsageError(f'the core of {chip.name} is {chip.cpu}, not {core}; leave --cpu out')
    return core
  if chip is None:
    raise UsageError('bench needs --cpu or --target; see tflm-patch bench --help')
  found = core_of(chip)
  if found is None:
    known = ', '.join(cpus.CPUS)
    raise UsageError(f'{chip.name}: no {chip.cpu} can be emulated; choose with --cpu: {known}')
  return found


COMMAND = Command(
    name='bench',
    summary='counts instructions, stack and code on an emulated microcontroller',
    arguments='model.tflite --cpu cortex-m4 [--target chip] [--int8-io] [-O Os] [--json]',
    positional=(1, 1),
    examples=(
        'tflm-patch bench model.tflite --cpu cortex-m4',
        'tflm-patch bench model_patch.tflite --cpu m55 --json',
        'tflm-patch bench model.tflite --target stm32f746 --int8-io',
    ),
    define=_define,
    action=_run,
)
