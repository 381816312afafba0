# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How many instructions a training step takes on a core, without running it.

The forward pass is that of the cost model (`tflm_patch.cost`) and what training adds to it; an
operator backward takes a sum of coefficients times what it does. They are fitted by
`benchmarks/cortex_m/fit_training.py`, a file of `tflm_patch/cost/training/` a core and arithmetic.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
from collections.abc import Iterable, Mapping

from tflm_patch import cost
from tflm_patch.bench import cpus
from tflm_patch.cost.work import work_of_stage
from tflm_patch.errors import TflmPatchError
from tflm_patch.on_device.backward_graph import Group
from tflm_patch.on_device.forward import ForwardStage
from tflm_patch.on_device.operators import base, block
from tflm_patch.on_device.operators.base import Effort
from tflm_patch.on_device.operators.weighted import Weighted
from tflm_patch.on_device.options import Arithmetic
from tflm_patch.on_device.plan import Work

FOLDER = cost.FOLDER / 'training'
DEFAULT_CPU = 'cortex-m4'
MARGIN = 1.08  # by which measured ratios of step and inference were above those predicted, at most
_STAGES = 1024  # whose instructions are remembered

# What a backward step's instructions depend on.
BACKWARD = (
  'calls',  # one an operator, or a block of them
  'clamped',  # values whose gradient is scaled or stopped
  'columns_clamped',  # the same within a block
  'moved',  # values that are added, scaled or copied
  'pool_taps',  # places of inputs in windows of pools
  'pool_cells',  # and of all windows that these look at
  'input_macs',  # of a pointwise convolution's input, four cells at a time
  'single_macs',  # the same, one cell at a time
  'input_values',
  'wide_macs',  # of another convolution's input
  'wide_taps',
  'weight_macs',  # of a pointwise convolution's weights
  'wide_weight_macs',
  'expand_macs',  # of the input of a block
  'expand_single_macs',  # the same, of weights that lie apart
  'columns',  # values that are gathered for a depthwise convolution
  'values',  # that it makes
  'depthwise_macs',
  'strided_macs',
  'depthwise_weight_macs',
  'bias_values',  # gradients that are added up for biases
  'learned',  # parameters that take a gradient in
)
# What training adds to a forward pass.
FORWARD = (
  'masked',  # outputs whose clamp is noted
  'gathered',  # values of trained channels that are kept
  'apart_macs',  # of convolutions whose trained weights lie apart
  'apart_trained_macs',
  'apart_taps',  # places of windows, for every four outputs
  'apart_values',
  'depthwise_apart_macs',
)


@dataclasses.dataclass(frozen=True)
class StepTable:
  """The coefficients of a core: instructions for each of what FORWARD and BACKWARD name."""

  cpu: str
  forward: Mapping[str, float]
  backward: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class StepInstructions:
  """Instructions of a training step, predicted.

  Attributes:
    cpu: The core.
    inference: Of the model compiled for inference alone.
    forward: Of the step's forward pass.
    backward: Of its backward pass and update.
  """

  cpu: str
  inference: float
  forward: float
  backward: float

  @property
  def step(self) -> float:
    """All of it."""
    return self.forward + self.backward

  @property
  def ratio(self) -> float:
    """How many inferences that is."""
    return self.step / max(self.inference, 1.0)


def known_cpus() -> list[str]:
  """The cores that there are coefficients for, of their own or of one with the same kernels."""
  return sorted(name for name in cpus.CPUS if _file_of(name, default_arithmetic(name)) is not None)


def file_name(cpu: str, arithmetic: Arithmetic) -> str:
  """Of the coefficients of a core."""
  return f'{cpu}-{arithmetic.value}.json'


def default_arithmetic(cpu: str) -> Arithmetic:
  """Of gradients on a core: integers where it has no floating-point unit."""
  return Arithmetic.FLOAT32 if cpus.find(cpu).has_fpu else Arithmetic.INTEGER


def _file_of(cpu: str, arithmetic: Arithmetic) -> pathlib.Path | None:
  kernels = cpus.find(cpu).kernels
  alike = [each.name for each in cpus.CPUS.values() if each.kernels == kernels]
  files = [FOLDER / file_name(name, arithmetic) for name in (cpu, *alike)]
  return next((file for file in files if file.exists()), None)


@functools.cache
def load(cpu: str, arithmetic: Arithmetic = Arithmetic.FLOAT32) -> StepTable:
  """The coefficients of a core.

  Raises:
    TflmPatchError: there are none.
  """
  file = _file_of(cpu, arithmetic)
  if file is None:
    raise TflmPatchError(
      f'what training in {arithmetic.value} takes on "{cpu}" is not known; that of '
      f'{", ".join(known_cpus())} is, in their default arithmetic'
    )
  found = json.loads(file.read_text())
  return StepTable(cpu, found['forward'], found['backward'])


def predict(work: Work, inference: float, cpu: str) -> StepInstructions:
  """What a training step takes.

  Args:
    work: The step.
    inference: Instructions of an inference, from `instructions_of`.
    cpu: The core.

  Raises:
    TflmPatchError: no coefficients of the core are known.
  """
  table = load(cpu, work.arithmetic)
  backward = sum(weighed(effort_of(group), table.backward) for group in work.groups)
  forward = stock_forward(work, cpu) + weighed(forward_effort(work), table.forward)
  return StepInstructions(cpu, inference, forward, backward)


def weighed(effort: Mapping[str, int], coefficients: Mapping[str, float]) -> float:
  """Instructions of what there is to do."""
  return sum(coefficients.get(name, 0.0) * amount for name, amount in effort.items())


def effort_of(group: Group) -> Effort:
  """What operators that go backward as one do."""
  if len(group) == 1:
    (step,) = group
    found = step.operator.effort(step.wanted)
  else:
    found = block.effort(group)
  return base.together({'calls': 1}, found)


def instructions_of(stages: Iterable[ForwardStage], cpu: str) -> float:
  """Of stages as they run without training, their kernels alone."""
  return sum(_of_stage(stage, cpu) for stage in stages)


@functools.lru_cache(_STAGES)
def _of_stage(stage: ForwardStage, cpu: str) -> float:
  return sum(cost.predict_work(work_of_stage(stage.stage), cost.load(cpu)).operators)


def stock_forward(work: Work, cpu: str) -> float:
  """Of the forward pass, but for what training adds."""
  kept = [*work.frozen.stages]
  kept += [stage for stage in work.forward if not _is_replaced(work, stage)]
  return instructions_of(kept, cpu)


def _is_replaced(work: Work, stage: ForwardStage) -> bool:
  """Whether a kernel for weights that lie apart computes a stage."""
  layer = work.parameters.layers.get(stage.indices[0])
  if layer is None or layer.operator.gathered is None:
    return False
  return layer.operator.view.opcode != 'DEPTHWISE_CONV_2D'


def forward_effort(work: Work) -> Effort:
  """What training adds to the forward pass."""
  parts = []
  for step in work.backward:
    if work.keeps_mask(step):
      parts.append({'masked': step.operator.view.output().elements})
    if isinstance(step.operator, Weighted) and step.operator.gathered is not None:
      parts.append(_apart(step.operator))
  parts += (
    block.recomputing_effort(group) for group in work.groups if group[-1].index in work.recomputed
  )
  return base.together(*parts)


def _apart(operator: Weighted) -> Effort:
  """Of a layer whose trained weights lie apart from the others."""
  shape, chosen = operator.geometry, len(operator.gathered or ())
  gathered = {'gathered': shape.source_cells * chosen}
  taps = shape.cells * shape.taps
  if operator.view.opcode == 'DEPTHWISE_CONV_2D':
    return {**gathered, 'depthwise_apart_macs': taps * chosen}
  outputs = shape.target[2]
  return {
    **gathered,
    'apart_macs': taps * outputs * shape.source[2],
    'apart_trained_macs': taps * outputs * chosen,
    'apart_taps': taps * -(-outputs // 4),
    'apart_values': shape.cells * outputs,
  }
