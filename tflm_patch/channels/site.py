# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""An operator, with the parameters that a stage would run it with: they are exact."""

from __future__ import annotations

import dataclasses
import functools

from tflm_patch.graph.types import DType, Model, Operator, Subgraph, Tensor
from tflm_patch.planner.ir.stage_graph import FeatureMap, NotStageable, StageGraph, StageOp
from tflm_patch.planner.lowering.builder import StageBuilder
from tflm_patch.planner.lowering.operators import REGISTRY, OpView, check


def channels_of(tensor: Tensor) -> int:
  """Channels of an int8 tensor that is computed, the size of its last dimension; else 0."""
  followed = tensor.dtype == DType.INT8 and not tensor.is_constant and not tensor.is_variable
  return tensor.shape[-1] if followed and tensor.shape and tensor.elements else 0


@dataclasses.dataclass(frozen=True, eq=False)
class Site:
  """An operator that keeps the support rules of stages.

  Attributes:
    view: The operator in its graph.
  """

  view: OpView

  @functools.cached_property
  def lowered(self) -> StageGraph | None:
    """What a stage of it alone would be; None for one that only renames bytes."""
    builder = StageBuilder(self.graph, self.operator.outputs)
    try:
      REGISTRY[self.operator.opcode].lower(self.view, builder)
      return builder.finish()
    except NotStageable:
      return None

  @property
  def graph(self) -> Subgraph:
    return self.view.subgraph

  @property
  def operator(self) -> Operator:
    return self.view.operator

  @property
  def stage_op(self) -> StageOp:
    """With exact parameters.

    Raises:
      ValueError: the operator only renames bytes.
    """
    if self.lowered is None:
      raise ValueError(f'{self.view.name} computes nothing')
    return self.lowered.ops[0]

  def source_map(self, i: int = 0) -> FeatureMap:
    """The map that the stage operator reads."""
    assert self.lowered is not None
    return self.lowered.maps[self.stage_op.inputs[i]]

  @functools.cached_property
  def target(self) -> int:
    """The tensor that it makes."""
    return self.operator.outputs[0]

  @functools.cached_property
  def channels(self) -> int:
    """Of the tensor that it makes."""
    return channels_of(self.graph.tensors[self.target])

  def source_channels(self, i: int) -> int:
    """Of an input; 0 for one that is not followed."""
    return channels_of(self.view.input(i)) if self.view.has_input(i) else 0


def site_of(graph: Subgraph, index: int) -> Site | None:
  """The site of an operator; None for one that no stage can hold, or with several outputs."""
  view = OpView(Model([graph]), graph, index)
  operator = view.operator
  if operator.opcode not in REGISTRY or check(view) is not None or len(operator.outputs) != 1:
    return None
  return Site(view) if channels_of(view.output()) else None
