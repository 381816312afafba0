# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Options of everything that plans a conversion."""

from __future__ import annotations

import argparse

from tflm_patch import targets
from tflm_patch.api import ConvertOptions
from tflm_patch.bench.estimate import core_of
from tflm_patch.cli import values
from tflm_patch.cli.command import UsageError
from tflm_patch.conversion.judge import DEFAULT_CPU
from tflm_patch.cost import memories
from tflm_patch.planner.options import DEFAULT, Objective, PlanOptions, Schedule


def define(parser: argparse.ArgumentParser) -> None:
  """Adds them."""
  _define_io(parser.add_argument_group('inputs and outputs of the model'))
  _define_limits(parser.add_argument_group('memory and work'))
  _define_schedule(parser.add_argument_group('schedule'))
  _define_rewrites(parser.add_argument_group('rewrites'))


def _define_io(group: argparse._ArgumentGroup) -> None:
  group.add_argument(
    '--int8-io',
    action='store_true',
    help='fold QUANTIZE and DEQUANTIZE at the boundary: inputs and outputs become int8',
  )
  group.add_argument(
    '--input-rows',
    type=values.argument(values.parse_count),
    metavar='N',
    help='the model takes its input in bands of N rows, one for each Invoke(); the frame is '
    'never stored',
  )
  group.add_argument(
    '--hop',
    type=values.argument(values.parse_count),
    metavar='N',
    help='the input is a window that goes on by N rows: the model takes only those, and keeps '
    'the rows of all layers that stay the same; with --arena as many of them as fit',
  )
  group.add_argument(
    '--inner-states',
    action='store_true',
    help='states that are inputs and outputs of the model are kept inside, and no longer are any',
  )
  group.add_argument(
    '--keep-input',
    action='store_true',
    help='the model input keeps its bytes until after Invoke(), whatever runs: for applications '
    'that read it again',
  )


def _define_limits(group: argparse._ArgumentGroup) -> None:
  group.add_argument(
    '--arena',
    type=values.argument(values.parse_size),
    metavar='SIZE',
    help='the plan of the fewest predicted cycles that fits an arena of this size, like '
    '64KB; without it the smallest plan',
  )
  group.add_argument(
    '--target',
    metavar='CHIP',
    help='a chip by name (see tflm-patch targets) or a file of your own: --arena becomes the '
    'largest piece of its SRAM, and the model must fit its flash',
  )
  add_fast(group)
  group.add_argument(
    '--pointer-bytes',
    type=int,
    choices=(4, 8),
    default=4,
    help='of the target: what its arena holds depends on it, and every decision is for that '
    'arena (default: %(default)s)',
  )
  group.add_argument(
    '--minimize',
    choices=[objective.value for objective in Objective],
    default='arena',
    help='arena: the least memory; cycles: the fewest predicted cycles in at most the stock arena, '
    'or in --arena; calls: the fewest kernel calls below the stock arena (default: %(default)s)',
  )
  group.add_argument(
    '--allow-slower',
    action='store_true',
    help='a lower arena may cost time, though not more multiply-accumulates; --arena and '
    '--target always allow it',
  )
  group.add_argument(
    '--balance',
    action='store_true',
    help='with --input-rows: the longest Invoke() of a frame is to be short, in an arena of at '
    'most --arena or the stock size',
  )
  group.add_argument(
    '--max-overhead',
    type=values.argument(values.parse_overhead),
    metavar='F',
    default=1.0,
    help='multiply-accumulates may grow to this multiple where that lowers the arena; includes '
    '--allow-slower (default: 1.00)',
  )


def add_fast(group: argparse._ActionsContainer) -> None:
  """Adds --fast."""
  group.add_argument(
    '--fast',
    type=values.argument(values.parse_size),
    metavar='SIZE',
    help='the target has so much memory beside the arena that waits less, like 64KB: line '
    'buffers, scratch and maps that are read most go there, by predicted cycles '
    '(docs/convert.md)',
  )


def _define_schedule(group: argparse._ArgumentGroup) -> None:
  group.add_argument(
    '--schedule',
    choices=[schedule.value for schedule in Schedule],
    default='auto',
    help='auto searches where to cut the stage; layer: operator by operator; stream: in one '
    'stream; patch: the first operators patch by patch, as MCUNetV2 does (default: %(default)s)',
  )
  group.add_argument(
    '--grid',
    type=values.argument(values.parse_grid),
    metavar='RxC',
    help='rows x columns of patches for --schedule patch or --receptive-field (default: '
    f'{DEFAULT.grid[0]}x{DEFAULT.grid[1]}); one row makes strips',
  )
  group.add_argument(
    '--patch-depth',
    type=values.argument(values.parse_count),
    metavar='N',
    help='how many operators of the stage run in patches; without it as many as need the '
    'least memory',
  )


def _define_rewrites(group: argparse._ArgumentGroup) -> None:
  group.add_argument(
    '--plugins',
    type=values.parse_names,
    metavar='NAMES',
    default=(),
    help='rewrites to use, as in --plugins=stage,fold_pad, or to leave out, as in '
    '--plugins=-fold_pad (see docs/convert.md)',
  )
  group.add_argument(
    '--no-offline-plan',
    '--nooffline-plan',
    dest='offline_plan',
    action='store_false',
    help='never tell TFLM where tensors lie; else that is done where its own planner leaves gaps',
  )
  group.add_argument(
    '--force', action='store_true', help='make stages even where they save nothing, for tests'
  )


def options(arguments: argparse.Namespace) -> ConvertOptions:
  """The options that the arguments say.

  Raises:
    UsageError: two options exclude each other.
    TflmPatchError: the target is not known.
  """
  _check(arguments)
  target = None if arguments.target is None else targets.load(arguments.target)
  arena = arguments.arena
  if arena is None and target is not None:
    arena = target.sram_contiguous_bytes
    if arguments.fast is not None and target.slow_bytes is not None:
      arena = target.slow_bytes
  return ConvertOptions(
    int8_io=arguments.int8_io,
    plugins=arguments.plugins,
    keep_input=arguments.keep_input,
    force_stage=arguments.force,
    input_rows=arguments.input_rows,
    hop=arguments.hop,
    inner_states=arguments.inner_states,
    offline_plan=arguments.offline_plan,
    plan=PlanOptions(
      arena_bytes=arena,
      minimize=arguments.minimize,
      allow_slower=arguments.allow_slower,
      max_overhead=arguments.max_overhead,
      balance=arguments.balance,
      schedule=arguments.schedule,
      grid=arguments.grid or DEFAULT.grid,
      patch_depth=arguments.patch_depth,
      memories=memories.of_target(arguments.fast, target),
    ),
    flash_bytes=None if target is None else target.flash_bytes,
    pointer_bytes=arguments.pointer_bytes,
    cpu=(None if target is None else core_of(target)) or DEFAULT_CPU,
  )


def _check(arguments: argparse.Namespace) -> None:
  """Raises where options exclude each other."""
  if arguments.schedule != Schedule.PATCH and (arguments.grid or arguments.patch_depth):
    raise UsageError('--grid and --patch-depth need --schedule patch')
  budget = arguments.arena is not None or arguments.target is not None
  if arguments.schedule != Schedule.AUTO:
    for option, used in (
      ('--arena', arguments.arena is not None),
      ('--target', arguments.target is not None),
      (f'--minimize {arguments.minimize}', arguments.minimize != Objective.ARENA),
      ('--allow-slower', arguments.allow_slower),
      ('--max-overhead', arguments.max_overhead > 1),
      ('--balance', arguments.balance),
      ('--fast', arguments.fast is not None),
    ):
      if used:
        raise UsageError(f'{option} needs --schedule auto: a fixed schedule leaves no choice')
  if arguments.balance and arguments.input_rows is None:
    raise UsageError('--balance needs --input-rows: without it there is one Invoke() a frame')
  if arguments.balance and arguments.minimize != Objective.ARENA:
    what = arguments.minimize
    raise UsageError(f'--balance and --minimize {what} exclude each other; leave one out')
  for option, used in (
    ('--balance', arguments.balance),
    ('--minimize calls', arguments.minimize == Objective.CALLS),
  ):
    if used and arguments.fast is not None:
      raise UsageError(f'--fast takes the plan of the fewest cycles; leave {option} out')
  if budget and arguments.minimize == Objective.CALLS:
    raise UsageError('--arena takes the fastest plan that fits already; leave --minimize out')
  if arguments.allow_slower and arguments.minimize != Objective.ARENA:
    what = arguments.minimize
    raise UsageError(f'--allow-slower and --minimize {what} exclude each other; leave one out')
