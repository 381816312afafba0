# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Fast memory beside the arena: predicted cycles against everything in fast memory.

  python benchmarks/two_memories.py --models MODELS
  python benchmarks/two_memories.py --json

Two networks, mcunetv2_large (with int8 inputs and outputs, from the folder MODELS) and one
like YOLOv8n, are converted with 64 and 32 KB of fast memory. An access to the arena is taken
to cost 10 cycles, one to fast memory 1; the weights' memory is part of the model and costs 1,
flash behind a cache, or as much as the arena. Cycles are those of a Cortex-M4's kernels,
see tflm_patch/cost/traffic.py for the accesses.

The least fast memory that TFLM prepares each converted model with must be what was
predicted, and its outputs those of the original. The exit code is 1 when that is not so, or
a plan takes more than 1.3 (64 KB) or 1.6 times (32 KB) the cycles of everything in fast
memory.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests'))
from support.head_models import yolo  # noqa: E402

from tflm_patch.api import ConversionResult, ConvertOptions, convert_model  # noqa: E402
from tflm_patch.cost.memories import SLOW_CYCLES, Memories  # noqa: E402
from tflm_patch.graph.reader import parse_model  # noqa: E402
from tflm_patch.planner.options import Objective, PlanOptions  # noqa: E402
from tflm_patch.planner.work import speed  # noqa: E402
from tflm_patch.runtime.arena_measurement import smallest_fast_memory  # noqa: E402
from tflm_patch.runtime.inputs import sample_inputs  # noqa: E402
from tflm_patch.runtime.verify import compare, io_adapter  # noqa: E402

SCHEMA_VERSION = 1
CPU = 'cortex-m4'
LIMITS = {64 << 10: 1.3, 32 << 10: 1.6}
WEIGHTS = (1, SLOW_CYCLES)
# More than any plan needs.
_ANY_ARENA = 1 << 30


@dataclasses.dataclass(frozen=True)
class Row:
  """A model with some fast memory.

  Attributes:
    fast_bytes: That it may use.
    used_bytes, measured_bytes: That it does, predicted and by TFLM.
    arena_bytes: Beside that, predicted.
    weights_cycles: Of an access to the weights.
    all_fast, cycles, all_slow: Predicted with everything in fast memory, with two memories,
      and with everything in the arena.
    ratio, limit: cycles / all_fast, and what it may be.
    bit_exact: Whether the outputs are the original's.
  """

  model: str
  fast_bytes: int
  used_bytes: int
  measured_bytes: int
  arena_bytes: int
  weights_cycles: int
  all_fast: int
  cycles: int
  all_slow: int
  ratio: float
  limit: float
  bit_exact: bool

  @property
  def is_good(self) -> bool:
    return self.bit_exact and self.used_bytes == self.measured_bytes and self.ratio <= self.limit


def _cycles(result: ConversionResult, memories: Memories) -> int:
  return speed((stage.plan for stage in result.stages), CPU, memories).cycles


def _is_exact(original: bytes, result: ConversionResult) -> bool:
  """Whether one inference gives the same bytes."""
  model = parse_model(result.data)
  inputs = itertools.islice(sample_inputs(model, 1, 0), 1)
  return compare(original, result.data, inputs, io_adapter(result.original, model)).bit_exact


def rows_of(name: str, data: bytes, options: ConvertOptions) -> list[Row]:
  """A model with each size of fast memory."""
  fastest = PlanOptions(minimize=Objective.CYCLES, arena_bytes=_ANY_ARENA)
  one_memory = convert_model(data, dataclasses.replace(options, plan=fastest), name)
  rows = []
  for fast_bytes, limit in LIMITS.items():
    memories = Memories(fast_bytes)
    plan = PlanOptions(memories=memories)
    result = convert_model(data, dataclasses.replace(options, plan=plan), name)
    measured = smallest_fast_memory(result.data)
    is_exact = _is_exact(data, result)
    for weights in WEIGHTS:
      counted = dataclasses.replace(memories, weights_cycles=weights)
      no_wait = dataclasses.replace(counted, slow_cycles=1)
      all_fast, cycles = _cycles(one_memory, no_wait), _cycles(result, counted)
      rows.append(
        Row(
          model=name,
          fast_bytes=fast_bytes,
          used_bytes=result.fast_bytes,
          measured_bytes=measured,
          arena_bytes=result.converted_arena.total,
          weights_cycles=weights,
          all_fast=all_fast,
          cycles=cycles,
          all_slow=_cycles(one_memory, counted),
          ratio=round(cycles / all_fast, 4),
          limit=limit,
          bit_exact=is_exact,
        )
      )
  return rows


def _table(rows: Sequence[Row]) -> str:
  lines = [
    '| model | fast memory | used | arena | weights | Mcycles: all fast | two memories '
    '| all in the arena | ratio | at most |',
    '|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|',
  ]
  lines += [
    f'| {row.model} | {row.fast_bytes >> 10} KB | {row.used_bytes:,} | {row.arena_bytes:,} | '
    f'{row.weights_cycles} | {row.all_fast / 1e6:.1f} | {row.cycles / 1e6:.1f} | '
    f'{row.all_slow / 1e6:.1f} | **{row.ratio:.3f}** | {row.limit} |'
    for row in rows
  ]
  return '\n'.join(lines)


def main() -> int:
  """Converts, checks and prints."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--models', type=pathlib.Path, help='folder of mcunetv2_large.tflite')
  parser.add_argument('--json', action='store_true')
  arguments = parser.parse_args()
  rows: list[Row] = []
  if arguments.models is not None:
    data = (arguments.models / 'mcunetv2_large.tflite').read_bytes()
    rows += rows_of('mcunetv2_large', data, ConvertOptions(int8_io=True))
  rows += rows_of('yolov8n_like_160', yolo(), ConvertOptions())
  if arguments.json:
    found: dict[str, Any] = {'schema_version': SCHEMA_VERSION, 'cpu': CPU}
    found |= {'slow_cycles': SLOW_CYCLES, 'rows': [dataclasses.asdict(row) for row in rows]}
    print(json.dumps(found, indent=2))
  else:
    print(_table(rows))
  return 0 if all(row.is_good for row in rows) else 1


if __name__ == '__main__':
  sys.exit(main())
