# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which function computes which kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tflm_patch.planner.ir.stage_graph import FeatureMap
from tflm_patch.program.fields import Deferred
from tflm_patch.program.params import Requant
from tflm_patch.program.records import Kind
from tflm_patch.quantization.exact.arithmetic import Arithmetic


@dataclasses.dataclass(frozen=True)
class Maps:
  """Feature maps of an operator: shapes and zero points."""

  inputs: list[FeatureMap]
  outputs: list[FeatureMap]

  @property
  def input(self) -> FeatureMap:
    return self.inputs[0]

  @property
  def output(self) -> FeatureMap:
    return self.outputs[0]


Compute = Callable[[Arithmetic, Any, Maps, Sequence[Any]], Any]

KINDS: dict[Kind, Compute] = {}


def kind(*kinds: Kind) -> Callable[[Compute], Compute]:
  """Registers a function of arithmetic, parameters, maps and input values.

  It gives the output's values, or a tuple where there are several outputs.
  """

  def register(compute: Compute) -> Compute:
    KINDS.update(dict.fromkeys(kinds, compute))
    return compute

  return register


def array(values: Any) -> np.ndarray:
  """An array of the parameters, which may not be computed yet."""
  return np.asarray(values.get() if isinstance(values, Deferred) else values)


def requantize(arithmetic: Arithmetic, sums: Any, requant: Requant) -> Any:
  """Sums [..., channels] to the values of the output."""
  scaled = arithmetic.multiply(sums, array(requant.multipliers), array(requant.shifts))
  moved = scaled + arithmetic.integers(requant.output_zero_point)
  return arithmetic.clamp(moved, requant.act_min, requant.act_max)
