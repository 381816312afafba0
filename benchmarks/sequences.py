# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models of sequences: arenas, variables and instructions a step, stock and converted.

  python benchmarks/sequences.py [--json] [--models okay_nabu,vad] [--steps N] [--no-bench]

A step is an `Invoke()` of the converted model. Arenas are those of firmware with 4-byte pointers,
variables and state included; `_host` are those of TFLM's Python interpreter. Every output byte of
every step is compared with stock TFLM, with resets between; `bit_exact` says whether all are equal.
Instructions are those of the stages on an emulated Cortex-M4, as `tflm-patch bench` counts them;
for a window that slides, those of its whole window beside them. TFLM_PATCH_MODELS names the folder
of the models.

`CASES` is the table of models; another one is a line there.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests'))

from support import real_models  # noqa: E402

from tflm_patch.api import ConversionResult, ConvertOptions, convert_model  # noqa: E402
from tflm_patch.bench.measure import bench  # noqa: E402
from tflm_patch.conversion.options import DEFAULT_OPTIONS  # noqa: E402
from tflm_patch.graph.types import Model  # noqa: E402
from tflm_patch.planner.options import PlanOptions  # noqa: E402
from tflm_patch.runtime.tflm import Interpreter  # noqa: E402

SCHEMA_VERSION = 1
CPU = 'cortex-m4'
TOOLS = ('arm-none-eabi-gcc', 'qemu-system-arm')
STEPS = 1000
SEED = 0

Compare = Callable[[bytes, bytes, int], int]


def steps_differ(original: bytes, converted: bytes, steps: int) -> int:
  """How many steps give other bytes, for models that take a step themselves."""
  stock, ours = Interpreter(original), Interpreter(converted)
  rng = np.random.default_rng(SEED)
  different = 0
  for step in range(steps):
    if step in _resets(steps):
      stock.reset()
      ours.reset()
    inputs = [_drawn(rng, spec.dtype, spec.shape) for spec in stock.inputs]
    made = zip(stock.invoke(inputs), ours.invoke(inputs), strict=True)
    different += any(a.tobytes() != b.tobytes() for a, b in made)
  return different


def windows_differ(original: bytes, converted: bytes, steps: int) -> int:
  """How many steps give other bytes than the whole window, or come when it is not full."""
  stock, ours = Interpreter(original), Interpreter(converted)
  rng = np.random.default_rng(SEED)
  (whole,), (new,) = stock.inputs, ours.inputs
  rows = np.empty((1, 0, *whole.shape[2:]), whole.dtype)
  different = 0
  for step in range(steps):
    if step in _resets(steps):
      ours.reset()
      rows = rows[:, :0]
    band = _drawn(rng, new.dtype, new.shape)
    rows = np.concatenate((rows, band), axis=1)[:, -whole.shape[1] :]
    made = ours.outputs_of([band])
    if (made is not None) != (rows.shape == whole.shape):
      different += 1
    elif made is not None:
      wanted = stock.invoke([np.ascontiguousarray(rows)])
      different += any(a.tobytes() != b.tobytes() for a, b in zip(wanted, made, strict=True))
  return different


def _resets(steps: int) -> tuple[int, ...]:
  return steps // 3, steps // 3 + 1, steps // 2


def _drawn(rng: np.random.Generator, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
  """Values over all of an integer type."""
  info = np.iinfo(dtype)
  return rng.integers(info.min, info.max + 1, shape).astype(dtype)


@dataclasses.dataclass(frozen=True)
class Case:
  """A model and how it is converted.

  Attributes:
    name: Of the row.
    file: Of the model, without its suffix.
    options: Of the conversion.
    most: Bytes of the arena that are asked for.
    differ: Counts steps of other bytes.
  """

  name: str
  file: str
  options: ConvertOptions = DEFAULT_OPTIONS
  most: int | None = None
  differ: Compare = steps_differ


def _within(size: int) -> PlanOptions:
  return PlanOptions(arena_bytes=size)


CASES = (
  Case('okay_nabu', 'microwakeword_okay_nabu', most=6500),
  Case('vad', 'microwakeword_vad', most=3600),
  Case(
    'streaming_wakeword, hop 1',
    'mlperf_streaming_wakeword',
    ConvertOptions(hop=1),
    5000,
    windows_differ,
  ),
  Case('kws, hop 2', 'mlperf_kws_int8', ConvertOptions(hop=2), None, windows_differ),
  Case(
    'kws, hop 2, 28 KB',
    'mlperf_kws_int8',
    ConvertOptions(hop=2, plan=_within(28 << 10)),
    28 << 10,
    windows_differ,
  ),
  Case(
    'kws, hop 2, 18.2 KB',
    'mlperf_kws_int8',
    ConvertOptions(hop=2, plan=_within(18600)),
    18600,
    windows_differ,
  ),
)


@dataclasses.dataclass(frozen=True)
class Row:
  """A measured model.

  Attributes:
    name: Of the case.
    stock_arena, arena: Bytes, variables and state included.
    stock_arena_host, arena_host: The same in the Python interpreter, with 8-byte pointers.
    stock_variables, variables: Bytes of resource variables and of persistent tensors.
    state: Bytes that stages keep.
    most: As in the case.
    stages: Their number.
    stock_operators: Outside of them.
    macs: For a step.
    window_macs: For a whole window; None where the model takes steps itself.
    instructions: For a step; None where tools are missing.
    window_instructions: For a whole window in a stage.
    steps: That were compared.
    bit_exact: Whether all their bytes are equal.
  """

  name: str
  stock_arena: int
  arena: int
  stock_arena_host: int
  arena_host: int
  stock_variables: int
  variables: int
  state: int
  most: int | None
  stages: int
  stock_operators: int
  macs: int
  window_macs: int | None
  instructions: int | None
  window_instructions: int | None
  steps: int
  bit_exact: bool


def variable_bytes(model: Model) -> int:
  """Of what outlives an invocation outside of stages: assigned variables and variable tensors."""
  main = model.main
  assigned = {
    op.inputs[0]: main.tensors[op.inputs[1]].bytes
    for op in main.operators
    if op.opcode == 'ASSIGN_VARIABLE' and len(op.inputs) > 1
  }
  kept = sum(tensor.bytes for tensor in main.tensors if tensor.is_variable)
  return sum(assigned.values()) + kept


def measure(case: Case, steps: int = STEPS, with_bench: bool = True) -> Row:
  """Converts, compares and, if wanted and possible, counts instructions."""
  path = real_models.FOLDER / f'{case.file}.tflite'
  data = path.read_bytes()
  result = convert_model(data, case.options, case.file)
  slides = case.options.hop is not None
  instructions = window = None
  if with_bench and all(map(shutil.which, TOOLS)):
    instructions = bench(path, CPU, case.options).instructions
    whole = dataclasses.replace(case.options, hop=None, plan=PlanOptions())
    window = bench(path, CPU, whole).instructions if slides else None
  return Row(
    name=case.name,
    stock_arena=result.original_arena.total,
    arena=result.converted_arena.total,
    stock_arena_host=result.original_arena_host.total,
    arena_host=result.converted_arena_host.total,
    stock_variables=variable_bytes(result.original),
    variables=variable_bytes(result.model),
    state=_state(result),
    most=case.most,
    stages=len(result.stages),
    stock_operators=len(result.stock_operators),
    macs=result.converted_macs,
    window_macs=result.original_macs if slides else None,
    instructions=instructions,
    window_instructions=window,
    steps=steps,
    bit_exact=case.differ(data, result.data, steps) == 0,
  )


def _state(result: ConversionResult) -> int:
  return sum(stage.plan.state_bytes for stage in result.stages)


def table(rows: list[Row]) -> str:
  """In Markdown."""
  lines = [
    '| model | stock arena | converted | of it state | instructions a step | of the whole window '
    '| equal |',
    '|---|---:|---:|---:|---:|---:|---:|',
  ]
  for row in rows:
    share = '' if row.window_instructions is None else _share(row)
    count = '' if row.instructions is None else f'{row.instructions:,}'
    equal = f'{row.steps:,} steps' if row.bit_exact else 'NO'
    lines.append(
      f'| {row.name} | {row.stock_arena:,} | {row.arena:,} | {row.state:,} | {count} | {share} '
      f'| {equal} |'
    )
  return '\n'.join(lines)


def _share(row: Row) -> str:
  return f'{(row.instructions or math.nan) / (row.window_instructions or math.nan):.3f}x'


def _commit() -> str:
  done = subprocess.run(
    ['git', 'rev-parse', '--short', 'HEAD'], cwd=ROOT, capture_output=True, text=True
  )
  return done.stdout.strip()


def main() -> None:
  """Prints the table."""
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('--json', action='store_true', help='print the figures for machines')
  parser.add_argument('--models', help='words of the rows wanted, between commas')
  parser.add_argument('--steps', type=int, default=STEPS, help='that are compared')
  parser.add_argument('--no-bench', action='store_true', help='count no instructions')
  arguments = parser.parse_args()
  words = arguments.models.split(',') if arguments.models else ['']
  cases = [case for case in CASES if any(word in case.name for word in words)]
  if not cases:
    names = '; '.join(case.name for case in CASES)
    parser.error(f'no row has one of {", ".join(words)} in its name; known are {names}')
  missing = {
    case.file for case in cases if not (real_models.FOLDER / f'{case.file}.tflite').exists()
  }
  if missing:
    parser.error(
      f'{", ".join(sorted(missing))}: not in {real_models.FOLDER}; set TFLM_PATCH_MODELS'
    )
  start = time.monotonic()
  rows = [measure(case, arguments.steps, not arguments.no_bench) for case in cases]
  if arguments.json:
    found = {
      'schema_version': SCHEMA_VERSION,
      'command': ' '.join(['python benchmarks/sequences.py', *sys.argv[1:]]),
      'commit': _commit(),
      'seed': SEED,
      'seconds': round(time.monotonic() - start),
      'cpu': CPU,
      'models': [dataclasses.asdict(row) for row in rows],
    }
    print(json.dumps(found, indent=2))
  else:
    print(table(rows))
  if not all(row.bit_exact for row in rows):
    raise SystemExit('some steps give other bytes')


if __name__ == '__main__':
  main()
