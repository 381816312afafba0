# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Flags of everything that plans a conversion."""

from __future__ import annotations

from absl import flags

from tflm_patch.api import ConvertOptions
from tflm_patch.cli.command import UsageError
from tflm_patch.cli.values import define as define_value
from tflm_patch.planner.options import OBJECTIVES, SCHEDULES, PlanOptions


def define(values: flags.FlagValues) -> None:
  """Defines them."""
  flags.DEFINE_bool(
      'int8_io', False,
      'fold QUANTIZE and DEQUANTIZE at the boundary: inputs and outputs become int8',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_list(
      'plugins', [],
      'rewrites to use, by name, or with - before each name to leave out (see docs/convert.md)',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_bool(
      'keep_input', False,
      'leave the model input\'s bytes alone, for applications that read it again after Invoke()',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_integer(
      'input_rows', None,
      'the model takes its input in bands of this many rows, one for each Invoke(); the frame '
      'is never stored',
      lower_bound=1, flag_values=values,
  )  # fmt: skip
  define_value(
      'size', 'arena', None,
      'the fastest plan that fits an arena of this size, like 64KB; without it the smallest plan',
      values,
  )  # fmt: skip
  flags.DEFINE_enum(
      'minimize', 'arena', OBJECTIVES,
      'arena: the least memory; macs: the fewest kernel calls below the stock arena',
      flag_values=values,
  )  # fmt: skip
  define_value(
      'overhead', 'max_overhead', '1.00',
      'multiply-accumulates may grow to this multiple where that lowers the arena '
      '(squeeze-excite in two passes)',
      values,
  )  # fmt: skip
  flags.DEFINE_enum(
      'schedule', 'auto', SCHEDULES,
      'auto searches where to cut the stage; layer: operator by operator; stream: in one stream',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_bool(
      'offline_plan', True,
      'tell TFLM where tensors lie, where its own planner leaves gaps (--nooffline-plan: never)',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_bool('json', False, 'print a summary for machines', flag_values=values)


def options(values: flags.FlagValues) -> ConvertOptions:
  """The options that the flags say.

  Raises:
    UsageError: a value is wrong, or two flags exclude each other.
  """
  arena = values.arena
  plan = PlanOptions(
      arena_bytes=arena,
      minimize=values.minimize,
      max_overhead=values.max_overhead,
      schedule=values.schedule,
  )
  if plan.schedule != 'auto':
    for flag, used in (
        ('--arena', arena is not None),
        ('--minimize macs', plan.minimize == 'macs'),
        ('--max-overhead', plan.max_overhead > 1),
    ):
      if used:
        raise UsageError(f'{flag} needs --schedule auto: a fixed schedule leaves no choice')
  if arena is not None and plan.minimize == 'macs':
    raise UsageError('--arena takes the fastest plan that fits already; leave --minimize out')
  return ConvertOptions(
      int8_io=values.int8_io,
      plugins=tuple(values.plugins),
      keep_input=values.keep_input,
      input_rows=values.input_rows,
      offline_plan=values.offline_plan,
      plan=plan,
  )
