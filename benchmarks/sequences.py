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

`CASES` is the table of models; another one is a line there. `STOCK` has what the stock model takes
in TFLM, a step: executed instructions of an `Invoke()` on the same emulated machine (QEMU 7.2,
-icount shift=0), the mean of a hundred with random inputs, of TFLM of August 2026 with its CMSIS-NN
kernels compiled by arm-none-eabi-gcc 12.2 at -O2.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import pathlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / 'tests'))

import provenance  # noqa: E402
from support import real_models  # noqa: E402
from support.model_builder import ModelBuilder  # noqa: E402

from tflm_patch.api import ConversionResult, ConvertOptions, convert_model  # noqa: E402
from tflm_patch.bench.measure import bench  # noqa: E402
from tflm_patch.conversion.options import DEFAULT_OPTIONS  # noqa: E402
from tflm_patch.graph.types import Model  # noqa: E402
from tflm_patch.graph.writer import serialize_model  # noqa: E402
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


def bands_differ(original: bytes, converted: bytes, steps: int) -> int:
  """How many sequences give other bytes where steps come one by one; states go on."""
  stock, ours = Interpreter(original), Interpreter(converted)
  rng = np.random.default_rng(SEED)
  (whole,), (band,) = stock.inputs, ours.inputs
  bands = whole.shape[1] // band.shape[1]
  different = 0
  for sequence in range(max(steps // bands, 1)):
    if sequence % 9 == 8:
      stock.reset()
      ours.reset()
    values = _drawn(rng, whole.dtype, whole.shape)
    made = [ours.outputs_of([each]) for each in np.split(values, bands, axis=1)]
    wanted = stock.invoke([values])
    different += any(each is not None for each in made[:-1]) or made[-1] is None
    pairs = zip(wanted, made[-1] or (), strict=False)
    different += any(a.tobytes() != b.tobytes() for a, b in pairs)
  return different


def transformer(blocks: int = 4, steps: int = 64, width: int = 64, heads: int = 4) -> bytes:
  """Blocks of attention and a perceptron twice as wide, without normalization; random weights."""
  b = ModelBuilder(SEED)

  def dense(x: int, units: int) -> int:
    return b.fully_connected(x, units, flatten=False, keep_num_dims=True)

  def head(x: int) -> int:
    y = b.reshape(dense(x, width), (1, steps, heads, width // heads))
    return b.transpose(y, (0, 2, 1, 3))

  x = b.input((1, steps, width))
  for _ in range(blocks):
    query, key, value = head(x), head(x), head(x)
    scores = b.softmax(b.batch_matmul(query, key, adj_y=True))
    mixed = b.transpose(b.batch_matmul(scores, value), (0, 2, 1, 3))
    x = b.add(x, dense(b.reshape(mixed, (1, steps, width)), width))
    x = b.add(x, dense(b.relu(dense(x, 2 * width)), width))
  b.output(x)
  return b.build()


def keras_transformer(blocks: int = 4, steps: int = 64, width: int = 64, heads: int = 4) -> bytes:
  """The same blocks of Keras, LayerNormalization in front, and ten classes; random weights."""
  from tflm_patch.quantization.model_io import require_keras

  keras = require_keras()
  from tflm_patch.quantization.capture import capture
  from tflm_patch.quantization.structure import structural_graph

  layers = keras.layers
  source = x = keras.Input((steps, width), name='tokens')
  for _ in range(blocks):
    y = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(heads, width // heads)(y, y)])
    y = layers.Dense(2 * width, activation='relu')(layers.LayerNormalization()(x))
    x = layers.Add()([x, layers.Dense(width)(y)])
  x = layers.Dense(10)(layers.GlobalAveragePooling1D()(x))
  return serialize_model(structural_graph(capture(keras.Model(source, x)), seed=SEED))


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
    file: Of the model, without its suffix; or what makes it.
    options: Of the conversion.
    most: Bytes of the arena that are asked for.
    differ: Counts steps of other bytes.
  """

  name: str
  file: str | Callable[[], bytes]
  options: ConvertOptions = DEFAULT_OPTIONS
  most: int | None = None
  differ: Compare = steps_differ

  @property
  def path(self) -> pathlib.Path:
    """Of the model's file, where it is one."""
    return real_models.FOLDER / f'{self.file}.tflite'

  @property
  def is_missing(self) -> bool:
    return isinstance(self.file, str) and not self.path.exists()


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
  Case('mnist_lstm, 28 steps', 'tflm_mnist_lstm', most=2104),
  Case(
    'mnist_lstm, step by step', 'tflm_mnist_lstm', ConvertOptions(input_rows=1), 2104, bands_differ
  ),
  Case('dtln_noise_suppression', 'tflm_dtln_noise_suppression', most=2706),
  Case('keyword_svdf', 'tflm_keyword_svdf_8bit', most=6900),
  Case('transformer of 4 blocks', transformer, most=23107),
  Case('the same of Keras, normalized', keras_transformer, most=31395),
)

# Instructions of a step in TFLM, by the model's file.
STOCK = {  # by CMSIS-NN
  'microwakeword_okay_nabu': 194_343,
  'microwakeword_vad': 94_161,
  'tflm_mnist_lstm': 574_652,
  'tflm_dtln_noise_suppression': 747_709,
  'tflm_keyword_svdf_8bit': 120_475,
}
# By TFLM's reference kernel of LSTM, whose bytes CMSIS-NN's kernel does not give.
REFERENCE = {'tflm_mnist_lstm': 1_619_037, 'tflm_dtln_noise_suppression': 3_768_042}


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
    instructions: Of the stages, for a step, or for the whole sequence of which steps come one by
      one; None where tools are missing.
    stock_instructions: For a step of the stock model; None where it was not measured, or where
      it takes a whole window.
    stock_kernels: Which of TFLM's kernels these are.
    reference_instructions: The same by the reference kernel of LSTM, whose bytes are compared,
      where those of `stock_kernels` are others.
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
  stock_instructions: int | None
  stock_kernels: str
  reference_instructions: int | None
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
  data = case.path.read_bytes() if isinstance(case.file, str) else case.file()
  result = convert_model(data, case.options, case.name)
  slides = case.options.hop is not None
  instructions = window = None
  if with_bench and all(map(shutil.which, TOOLS)):
    instructions = _instructions(data, case.options)
    whole = dataclasses.replace(case.options, hop=None, plan=PlanOptions())
    window = _instructions(data, whole) if slides else None
  takes_steps = not slides and case.options.input_rows is None
  file = case.file if takes_steps and isinstance(case.file, str) else ''
  stock = STOCK.get(file)
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
    stock_instructions=stock,
    stock_kernels='' if stock is None else 'CMSIS-NN',
    reference_instructions=REFERENCE.get(file),
    window_instructions=window,
    steps=steps,
    bit_exact=case.differ(data, result.data, steps) == 0,
  )


def _instructions(data: bytes, options: ConvertOptions) -> int:
  with tempfile.NamedTemporaryFile(suffix='.tflite') as file:
    pathlib.Path(file.name).write_bytes(data)
    return bench(file.name, CPU, options).instructions


def _state(result: ConversionResult) -> int:
  return sum(stage.plan.state_bytes for stage in result.stages)


def table(rows: list[Row]) -> str:
  """In Markdown."""
  lines = [
    '| model | stock arena | converted | of it state | instructions a step | of stock '
    '| of the whole window | equal |',
    '|---|---:|---:|---:|---:|---:|---:|---:|',
  ]
  for row in rows:
    window, stock = (
      '' if other is None else f'{(row.instructions or math.nan) / other:.3f}x'
      for other in (row.window_instructions, row.stock_instructions)
    )
    count = '' if row.instructions is None else f'{row.instructions:,}'
    equal = f'{row.steps:,} steps' if row.bit_exact else 'NO'
    lines.append(
      f'| {row.name} | {row.stock_arena:,} | {row.arena:,} | {row.state:,} | {count} | {stock} '
      f'| {window} | {equal} |'
    )
  return '\n'.join(lines)


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
  missing = {str(case.file) for case in cases if case.is_missing}
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
      'commit': provenance.commit(),
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
