# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Predicts the instructions and cycles of a stage on a core, without running it.

Of an operator each is a sum of coefficients times what it has to do. The coefficients
of a core come from runs on its emulator: one JSON file per core in this folder, made by
benchmarks/cortex_m/fit_cost.py. Cycles are those of `tflm_patch.bench.timing`; a core
without timings has none.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import pathlib
from collections.abc import Iterator, Sequence

from tflm_patch.cost import vectors
from tflm_patch.cost.blocks import block_pixels, widened_weights
from tflm_patch.cost.work import OperatorWork
from tflm_patch.errors import TflmPatchError
from tflm_patch.program.records import Kind

FEATURES = (
  'macs',
  'inputs',
  'outputs',
  'clamped',
  'runs',
  'cells',
  'lines',
  'rows',
  'calls',
  'tiles',
  'border',
  'unaided_macs',
  'unaided_outputs',
  'unblocked_macs',
  'widened_weights',
  'macs_beyond_2',
  'macs_beyond_4',
  'macs_beyond_4_of_call',
  *vectors.FEATURES,
)
EXECUTOR_FEATURES = ('calls', 'stages')
FOLDER = pathlib.Path(__file__).resolve().parent
_FEW_CHANNELS = 4  # of an image: kernels treat them in another way
_CONVOLUTIONS = (Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D)

Coefficients = dict[str, float]


@dataclasses.dataclass(frozen=True)
class CostTerms:
  """Coefficients of one quantity.

  Attributes:
    classes: Of each class of operators, see `classes_of`, by feature.
    executor: Of what is outside the kernels, by EXECUTOR_FEATURES.
  """

  classes: dict[str, Coefficients]
  executor: Coefficients


@dataclasses.dataclass(frozen=True)
class CostTable:
  """The coefficients of a core.

  Attributes:
    cpu: Its name.
    optimization: The compiler's flag of the runs.
    instructions: What is executed.
    cycles: What that takes; None for a core without timings.
  """

  cpu: str
  optimization: str
  instructions: CostTerms
  cycles: CostTerms | None = None


@dataclasses.dataclass(frozen=True)
class CostPrediction:
  """What an inference is predicted to take.

  Attributes:
    operators: Instructions of each operator's kernel.
    executor: Instructions of everything else.
    operator_cycles: Cycles of each operator's kernel, None for a core without timings.
    executor_cycles: Cycles of everything else, likewise.
  """

  operators: tuple[float, ...]
  executor: float
  operator_cycles: tuple[float, ...] | None = None
  executor_cycles: float | None = None

  @property
  def instructions(self) -> int:
    """All together."""
    return round(sum(self.operators) + self.executor)

  @property
  def cycles(self) -> int | None:
    """All together; None for a core without timings."""
    if self.operator_cycles is None or self.executor_cycles is None:
      return None
    return round(sum(self.operator_cycles) + self.executor_cycles)

  @property
  def work(self) -> int:
    """What makes a plan slow: cycles, where they are known, else instructions."""
    return self.instructions if self.cycles is None else self.cycles


def predict_work(work: Sequence[OperatorWork], table: CostTable) -> CostPrediction:
  """What a stage's operators take."""
  features = [features_of(operator) for operator in work]
  outside = executor_features(work)

  def each(terms: CostTerms) -> tuple[float, ...]:
    return tuple(_operator(one, found, terms) for one, found in zip(work, features))

  cycles = table.cycles
  return CostPrediction(
    operators=each(table.instructions),
    executor=_sum(table.instructions.executor, outside),
    operator_cycles=None if cycles is None else each(cycles),
    executor_cycles=None if cycles is None else _sum(cycles.executor, outside),
  )


def predict_operator(work: OperatorWork, table: CostTable) -> float:
  """Cycles of an operator's kernel and of its calls; instructions without timings."""
  terms = table.instructions if table.cycles is None else table.cycles
  calls = terms.executor['calls'] * work.calls
  return _operator(work, features_of(work), terms) + calls


def features_of(work: OperatorWork) -> Coefficients:
  """What an operator's instructions depend on; see FEATURES.

  Kernels make pixels in blocks, and what is left over in another way: `beyond`
  counts what lies beyond the last whole block of a row, or of all rows of a call.
  `unaided` counts what is made without scratch, which some kernels are faster with.
  With larger scratch pixels are made in blocks, for which `widened_weights` are made, and
  `unblocked_macs` are the others.
  What kernels for vectors of int8 values do is in `vectors`.
  """
  rows, cols, channels = work.output
  source_rows, source_cols, source_channels = work.input
  cells = rows * cols
  cell_macs = work.macs / cells
  call_cells = cells // max(work.calls, 1)
  return {
    'macs': work.macs,
    'inputs': source_rows * source_cols * source_channels,
    # A pool looks at every cell of its windows; its output is small.
    'outputs': rows * cols * channels * (1 if work.macs else work.kernel[0] * work.kernel[1]),
    'clamped': rows * cols * channels if work.clamped else 0,
    'runs': rows * cols * channels * work.kernel[0],
    'cells': cells,
    'lines': rows * channels,
    'rows': rows,
    'calls': work.calls,
    'tiles': work.tiles,
    'unaided_macs': 0 if work.scratch_bytes else work.macs,
    'unaided_outputs': 0 if work.scratch_bytes else rows * cols * channels,
    'unblocked_macs': 0 if block_pixels(work) else work.macs,
    'widened_weights': widened_weights(work),
    'border': rows * channels * (work.kernel[1] - 1),
    'macs_beyond_2': cell_macs * rows * (cols % 2),
    'macs_beyond_4': cell_macs * rows * (cols % 4),
    'macs_beyond_4_of_call': cell_macs * work.calls * (call_cells % 4),
    **vectors.features_of(work),
  }


def executor_features(work: Sequence[OperatorWork]) -> Coefficients:
  """What the executor's own instructions depend on."""
  return {'calls': sum(operator.calls for operator in work), 'stages': 1}


def classes_of(work: OperatorWork) -> Iterator[str]:
  """Names of the classes that an operator belongs to, the narrowest first."""
  name = work.kind.name
  if work.base_kind in _CONVOLUTIONS:
    variant = _variant(work)
    yield f'{name} {work.window}{variant}'
    yield f'{name} {work.window.partition("/")[0]} any stride{variant}'
    yield f'{name} any window{variant}'
  yield name
  yield work.base_kind.name
  yield 'with weights' if work.macs else 'without weights'


def _variant(work: OperatorWork) -> str:
  """In what a convolution differs from most, where kernels take another way then."""
  taps = work.kernel[0] * work.kernel[1]
  depthwise = work.base_kind == Kind.DEPTHWISE_CONV_2D
  inputs = 1 if depthwise else work.input[2]
  cases = (
    (work.input[2] <= _FEW_CHANNELS, ' few'),
    (work.dilation != (1, 1), ' dilated'),
    (depthwise and work.input[2] != work.output[2], ' multiplied'),
    (work.macs != inputs * taps * math.prod(work.output), ' grouped'),
  )
  return ''.join(text for is_so, text in cases if is_so)


def known_cpus() -> list[str]:
  """The cores that there are coefficients for."""
  return sorted(path.stem for path in FOLDER.glob('*.json'))


def core_of(cpu: str) -> str | None:
  """The core of a data sheet's name, 'Arm Cortex-M4F': None when its costs are not known."""
  name = cpu.strip().lower().removeprefix('arm ').replace(' ', '-')
  known = known_cpus()
  return next((core for core in (name, name.removesuffix('f')) if core in known), None)


@functools.cache
def load(cpu: str) -> CostTable:
  """The coefficients of a core.

  Raises:
    TflmPatchError: there are none.
  """
  if cpu not in known_cpus():
    raise TflmPatchError(f'no costs are known for "{cpu}"; known are {", ".join(known_cpus())}')
  found = json.loads((FOLDER / f'{cpu}.json').read_text())
  cycles = found.get('cycles')
  return CostTable(
    cpu,
    found['optimization'],
    CostTerms(**found['instructions']),
    None if cycles is None else CostTerms(**cycles),
  )


def _operator(work: OperatorWork, features: Coefficients, terms: CostTerms) -> float:
  for name in classes_of(work):
    if name in terms.classes:
      return _sum(terms.classes[name], features)
  return 0.0


def _sum(coefficients: Coefficients, features: Coefficients) -> float:
  return sum(value * features[name] for name, value in coefficients.items())
