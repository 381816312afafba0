# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""One call of a layer, as its handler sees it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.quantization.network import Value
from tflm_patch.quantization.operators.reshape import Reshape

if TYPE_CHECKING:
  from tflm_patch.quantization.capture import Read
  from tflm_patch.quantization.network import Shape
  from tflm_patch.quantization.operators.base import Operation


class Nodes(Protocol):
  """Where handlers put nodes."""

  def add(self, operation: Operation, inputs: Any, name: str) -> Value: ...

  def layer(self, layer: Any, inputs: Any, path: str) -> Any: ...

  @property
  def read(self) -> Read: ...

  @property
  def allows_gelu(self) -> bool: ...


class Call:
  """A layer, what it is called with, and where its nodes go.

  Attributes:
    layer: The Keras layer or operation.
    path: Its name, after the names of the models around it.
    args, kwargs: Of the call, with `Value` for every tensor.
    inputs: The values among them.
  """

  def __init__(
    self, nodes: Nodes, layer: Any, path: str, args: Any, kwargs: dict[str, Any]
  ) -> None:
    self._nodes = nodes
    self.layer = layer
    self.path = path
    self.args = args
    self.kwargs = kwargs
    self.inputs = [each for each in _leaves((args, kwargs)) if isinstance(each, Value)]

  @property
  def input(self) -> Value:
    return self.inputs[0]

  def add(self, operation: Operation, *inputs: Value, part: str = '') -> Value:
    """Appends a node.

    Args:
      operation: What it computes.
      inputs: What it reads.
      part: Its name within the layer, when the layer has several.
    """
    return self._nodes.add(operation, inputs, f'{self.path}/{part}' if part else self.path)

  @property
  def allows_gelu(self) -> bool:
    """Whether GELU may be replaced."""
    return self._nodes.allows_gelu

  def nested(self, layer: Any, x: Value) -> Value:
    """What a layer inside this one makes of a value."""
    result = self._nodes.layer(layer, x, f'{self.path}/{layer.name}')
    assert isinstance(result, Value)
    return result

  def expanded(self, model: Any, *inputs: Value) -> list[Value]:
    """What the layers of a functional model, which stands for this layer, make of values."""
    results = self._nodes.layer(model, inputs, self.path)
    assert isinstance(results, list)
    return results

  def constant(self, values: Any, name: str, rank: int = 0) -> Value:
    """A constant, with dimensions of 1 in front up to a rank."""
    array = np.asanyarray(values).astype(np.float32)  # a subclass stays what it is
    array = array.reshape((1,) * max(rank - array.ndim, 0) + array.shape)
    if not np.all(np.isfinite(array)):
      raise self.error(f'{name} has values that are not finite')
    return Value(array.shape, f'{self.path}/{name}', array)

  def weights(self, name: str) -> np.ndarray:
    """float32 weights of the layer, by the name of the attribute.

    Raises:
      TflmPatchError: a value is not finite.
    """
    return self.nested_weights(self.layer, name)

  def nested_weights(self, layer: Any, name: str) -> np.ndarray:
    """The same of a layer inside this one."""
    array = self._nodes.read(layer, name)
    if not np.all(np.isfinite(array)):
      raise self.error(f'{name} has values that are not finite')
    return array

  def bias(self, channels: int) -> np.ndarray:
    """The layer's bias, zeros without one."""
    if not self.layer.use_bias:
      return np.zeros(channels, np.float32)
    return self.weights('bias').reshape(-1)

  def as_map(self, x: Value) -> Value:
    """A line (length, channels) as a map of one column."""
    if x.rank != 3:
      return x
    return self.add(Reshape((1, x.shape[1], 1, x.shape[2])), x, part='map')

  def as_line(self, x: Value) -> Value:
    """A map of one column as a line."""
    return self.add(Reshape((1, x.shape[1], x.shape[3])), x, part='line')

  def reshape(self, x: Value, shape: Shape) -> Value:
    """The value in another shape."""
    assert math.prod(shape) == x.elements
    return x if shape == x.shape else self.add(Reshape(shape), x, part='reshape')

  def need_channels_last(self) -> None:
    """Refuses layers that work on channels first."""
    if getattr(self.layer, 'data_format', 'channels_last') not in (None, 'channels_last'):
      raise self.error('data_format is channels_first, TFLM has channels last')

  def error(self, problem: str) -> TflmPatchError:
    """An error of this layer."""
    kind = type(self.layer).__name__
    return TflmPatchError(
      f'"{self.path}" ({kind}): {problem}; change the layer, or use --backend tensorflow'
    )


def _leaves(structure: Any) -> list[Any]:
  if isinstance(structure, dict):
    return [leaf for each in structure.values() for leaf in _leaves(each)]
  if isinstance(structure, (list, tuple)):
    return [leaf for each in structure for leaf in _leaves(each)]
  return [structure]
