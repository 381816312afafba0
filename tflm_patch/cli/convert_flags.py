# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Flags of everything that plans a conversion."""

from __future__ import annotations

from absl import flags

from tflm_patch import targets
from tflm_patch.api import ConvertOptions
from tflm_patch.bench.estimate import core_of
from tflm_patch.cli.command import UsageError
from tflm_patch.cli.values import define as define_value
from tflm_patch.conversion.judge import DEFAULT_CPU
from tflm_patch.planner.options import DEFAULT, OBJECTIVES, SCHEDULES, PlanOptions


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
      'the model input keeps its bytes until after Invoke(), whatever runs: for applications '
      'that read it again',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_integer(
      'input_rows', None,
      'the model takes its input in bands of this many rows, one for each Invoke(); the frame '
      'is never stored',
      lower_bound=1, flag_values=values,
  )  # fmt: skip
  flags.DEFINE_enum(
      'pointer_bytes', '4', ['4', '8'],
      'of the target: what its arena holds depends on it, and every decision is for that arena',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_bool(
      'force', False, 'make stages even where they save nothing, for tests', flag_values=values
  )
  define_value(
      'size', 'arena', None,
      'the plan of the fewest predicted instructions that fits an arena of this size, like 64KB; '
      'without it the smallest plan',
      values,
  )  # fmt: skip
  flags.DEFINE_string(
      'target', None,
      'a chip by name (see tflm-patch targets) or a file of your own: --arena becomes the '
      'largest piece of its SRAM, and the model must fit its flash',
      flag_values=values,
  )  # fmt: skip
  flags.DEFINE_enum(
      'minimize', 'arena', OBJECTIVES,
      'arena: the least memory; macs: the fewest kernel calls below the stock arena',
      flag_values=values,
  )  # fmt: skip
  define_value(
      'overhead', 'max_overhead', '1.00',
      'multiply-accumulates may grow to this multiple where that lowers the arena; 1.001 '
      'allows what costs time, but no multiply-accumulates',
      values,
  )  # fmt: skip
  flags.DEFINE_enum(
      'schedule', 'auto', SCHEDULES,
      'auto searches where to cut the stage; layer: operator by operator; stream: in one '
      'stream; patch: the first operators patch by patch, as MCUNetV2 does',
      flag_values=values,
  )  # fmt: skip
  define_value(
      'grid', 'grid', None,
      'rows x columns of patches for --schedule patch or --receptive-field (4x4 if not given); '
      'one row makes strips',
      values,
  )  # fmt: skip
  flags.DEFINE_integer(
      'patch_depth', None,
      'how many operators of the stage run in patches; without it as many as need the least '
      'memory',
      lower_bound=1, flag_values=values,
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
  target = None if values.target is None else targets.load(values.target)
  arena = values.arena
  if arena is None and target is not None:
    arena = target.sram_contiguous_bytes
  plan = PlanOptions(
      arena_bytes=arena,
      minimize=values.minimize,
      max_overhead=values.max_overhead,
      schedule=values.schedule,
      grid=values.grid or DEFAULT.grid,
      patch_depth=values.patch_depth,
  )
  if plan.schedule != 'patch' and (values.grid or values.patch_depth):
    raise UsageError('--grid and --patch-depth need --schedule patch')
  if plan.schedule != 'auto':
    for flag, used in (
        ('--arena', values.arena is not None),
        ('--target', target is not None),
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
      force_stage=values.force,
      input_rows=values.input_rows,
      offline_plan=values.offline_plan,
      plan=plan,
      flash_bytes=None if target is None else target.flash_bytes,
      pointer_bytes=int(values.pointer_bytes),
      cpu=(None if target is None else core_of(target)) or DEFAULT_CPU,
  )
