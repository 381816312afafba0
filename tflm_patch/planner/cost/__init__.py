# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Predicts the instructions of a plan on a core, without running it.

An operator's instructions are a sum of coefficients times what it has to do. The
coefficients of a core come from runs on its emulator: one JSON file per core in
this folder, made by benchmarks/cortex_m/fit_cost.py.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
from collections.abc import Iterator, Sequence

from tflm_patch.errors import TflmPatchError
from tflm_patch.planner.cost.work import OperatorWork, work_of_plan
from tflm_patch.planner.plan import StagePlan
from tflm_patch.planner.program import Kind

FEATURES = ('macs', 'inputs', 'outputs', 'runs', 'cells', 'rows', 'calls')
EXECUTOR_FEATURES = ('calls', 'stages')
FOLDER = pathlib.Path(__file__).resolve().parent
_FEW_CHANNELS = 4  # of an image: kernels treat them in another way
_CONVOLUTIONS = (Kind.CONV_2D, Kind.DEPTHWISE_CONV_2D)

Coefficients = dict[str, float]


@dataclasses.dataclass(frozen=True)
class CostTable:
  """The coefficients of a core.

  Attributes:
    cpu: Its name.
    optimization: The compiler's flag of the runs.
    classes: Of each class of operators, see `classes_of`, by feature.
    executor: Of what is outside the kernels, by EXECUTOR_FEATURES.
  """

  cpu: str
  optimization: str
  classes: dict[str, Coefficients]
  executor: Coefficients


@dataclasses.dataclass(frozen=True)
class CostPrediction:
  """Predicted instructions of an inference.

  Attributes:
    operators: Of each operator's kernel.
    executor: Of everything else.
  """

  operators: tuple[float, ...]
  executor: float

  @property
  def instructions(self) -> int:
    """All together."""
    return round(sum(self.operators) + self.executor)


def predict(plan: StagePlan, cpu: str) -> CostPrediction:
  """Instructions of a stage.

  Args:
    plan: The stage's plan.
    cpu: Name of a core, one of `known_cpus`.

  Raises:
    TflmPatchError: there are no coefficients for the core.
  """
  return predict_work(work_of_plan(plan), load(cpu))


def predict_work(work: Sequence[OperatorWork], table: CostTable) -> CostPrediction:
  """Instructions of a stage's operators."""
  return CostPrediction(
      operators=tuple(_operator(operator, table) for operator in work),
      executor=_sum(table.executor, executor_features(work)),
  )


def features_of(work: OperatorWork) -> Coefficients:
  """What an operator's instructions depend on; see FEATURES."""
  rows, cols, channels = work.output
  source_rows, source_cols, source_channels = work.input
  return {
      'macs': work.macs,
      'inputs': source_rows * source_cols * source_channels,
      # A pool looks at every cell of its windows; its output is small.
      'outputs': rows * cols * channels * (1 if work.macs else work.kernel[0] * work.kernel[1]),
      'runs': rows * cols * channels * work.kernel[0],
      'cells': rows * cols,
      'rows': rows,
      'calls': work.calls,
  }


def executor_features(work: Sequence[OperatorWork]) -> Coefficients:
  """What the executor's own instructions depend on."""
  return {'calls': sum(operator.calls for operator in work), 'stages': 1}


def classes_of(work: OperatorWork) -> Iterator[str]:
  """Names of the classes that an operator belongs to, the narrowest first."""
  name = work.kind.name
  if work.kind in _CONVOLUTIONS:
    few = ' few' if work.input[2] <= _FEW_CHANNELS else ''
    yield f'{name} {work.window}{few}'
    yield f'{name} {work.window.partition("/")[0]}{few}'
    yield f'{name}{few}'
  yield name
  yield 'with weights' if work.macs else 'without weights'


def known_cpus() -> list[str]:
  """The cores that there are coefficients for."""
  return sorted(path.stem for path in FOLDER.glob('*.json'))


@functools.cache
def load(cpu: str) -> CostTable:
  """The coefficients of a core.

  Raises:
    TflmPatchError: there are none.
  """
  if cpu not in known_cpus():
    raise TflmPatchError(f'no costs are known for "{cpu}"; known are {", ".join(known_cpus())}')
  found = json.loads((FOLDER / f'{cpu}.json').read_text())
  return CostTable(cpu, found['optimization'], found['classes'], found['executor'])


def _operator(work: OperatorWork, table: CostTable) -> float:
  features = features_of(work)
  for name in classes_of(work):
    if name in table.classes:
      return _sum(table.classes[name], features)
  return 0.0


def _sum(coefficients: Coefficients, features: Coefficients) -> float:
  return sum(value * features[name] for name, value in coefficients.items())
