# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The network that the writer makes of a Keras model, with weights that follow the model's."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.graph.types import DType, Model
from tflm_patch.quantization.calibration import calibrate
from tflm_patch.quantization.capture import capture
from tflm_patch.quantization.emission import Emitter
from tflm_patch.quantization.network import Node, Value
from tflm_patch.quantization.operators.base import Operation
from tflm_patch.quantization.options import QuantizeOptions
from tflm_patch.quantization.passes import run_passes
from tflm_patch.quantization.post_training import check_capture
from tflm_patch.quantization.ranges import Range
from tflm_patch.quantization.scales import ScaleGroup, scale_groups
from tflm_patch.training.quantization_aware.grids import Grid
from tflm_patch.training.quantization_aware.traced_array import (
  Memo,
  TracedArray,
  read_traced,
  tensor_of,
)


class TrainableNetwork:
  """Nodes with plain weights, and the way from the model's variables to each of them.

  Attributes:
    network: Its structure is that of a trained model: no weight is taken for 0 or 1.
    groups: Values that share a scale.
  """

  def __init__(self, model: Any, samples: Sequence[np.ndarray], options: QuantizeOptions) -> None:
    self.network = capture(model, read_traced)
    run_passes(self.network)
    self._options = options
    self._weights = {node: _traced_fields(node.operation) for node in self.network.nodes}
    self._constants = {
      value: value.constant
      for node in self.network.nodes
      for value in node.inputs
      if isinstance(value.constant, TracedArray)
    }
    self.update()
    check_capture(model, self.network, samples)
    self._ranges = calibrate(self.network, samples, options, lambda text: None)
    self.groups: list[ScaleGroup] = scale_groups(self.network, self._ranges, DType.INT8)

  def range_of(self, group: ScaleGroup) -> Range:
    """Of the samples."""
    return group.range

  def weight(self, node: Node, name: str, memo: Memo) -> Any:
    """A weight of a node as a tensor, computed from the model's variables."""
    traced = self._weights.get(node, {})
    return tensor_of(traced.get(name, getattr(node.operation, name)), memo)

  def constant(self, value: Value, memo: Memo) -> Any:
    """A constant value as a tensor, likewise."""
    return tensor_of(self._constants.get(value, value.constant), memo)

  def update(self) -> None:
    """Lets the plain weights be what the variables are now."""
    memo: Memo = {}
    for node, traced in self._weights.items():
      changes: dict[str, Any] = {name: _values(array, memo) for name, array in traced.items()}
      if changes:
        node.operation = dataclasses.replace(node.operation, **changes)
    for value, array in self._constants.items():
      value.constant = _values(array, memo)

  def graph(self, grids: Sequence[Grid], options: QuantizeOptions | None = None) -> Model:
    """The int8 graph of the weights as they are now, with grids of the groups."""
    self.update()
    scales = {
      value: grid.quantization()
      for group, grid in zip(self.groups, grids)
      for value in group.members
    }
    return Emitter(self.network, scales, options or self._options).run()


def _traced_fields(operation: Operation) -> dict[str, TracedArray]:
  return {
    field.name: getattr(operation, field.name)
    for field in dataclasses.fields(operation)
    if isinstance(getattr(operation, field.name), TracedArray)
  }


def _values(array: TracedArray, memo: Memo) -> np.ndarray:
  from keras import ops

  return np.asarray(ops.convert_to_numpy(array.tensor(memo)), np.float32)
