# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What every operator of the model builder needs: tensors, quantization, options.

The builder follows the mean and the deviation of the real values of every
tensor by rough formulas, and chooses scales and zero points that fit them, so
that a model's outputs neither saturate nor stand still.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflm_patch.graph.types import DType, Model, Operator, Quantization, Subgraph, Tensor
from tflm_patch.graph.writer import serialize_model

ACTIVATIONS = {'NONE': 0, 'RELU': 1, 'RELU_N1_TO_1': 2, 'RELU6': 3}
_LIMITS = {'NONE': (-np.inf, np.inf), 'RELU': (0, np.inf), 'RELU_N1_TO_1': (-1, 1), 'RELU6': (0, 6)}
_ZERO_POINT_SHIFT = {DType.INT8: 0, DType.UINT8: 128}
_INT16_STEPS = 256  # of an int16 tensor's scale to an int8 tensor's


@dataclasses.dataclass(frozen=True)
class Spread:
  """Estimated real values of a tensor."""

  mean: float
  deviation: float

  def clipped(self, activation: str) -> Spread:
    """After a fused activation, from the clipped quantiles of a normal distribution."""
    low, high = _LIMITS[activation]
    quantiles = self.mean + self.deviation * np.linspace(-2.5, 2.5, 101)
    weights = np.exp(-(np.linspace(-2.5, 2.5, 101) ** 2) / 2)
    values = np.clip(quantiles, low, high)
    mean = float(np.average(values, weights=weights))
    variance = float(np.average((values - mean) ** 2, weights=weights))
    return Spread(mean, max(variance**0.5, 0.05 * self.deviation))


def options(table: str, **fields: Any) -> Any:
  """A schema options object, e.g. options('SoftmaxOptions', beta=1.0)."""
  result = getattr(schema, table + 'T')()
  for name, value in fields.items():
    if not hasattr(result, name):
      raise AttributeError(f'{table} has no {name}')
    setattr(result, name, value)
  return result


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
  """(height, width) of a size that may be given as one number."""
  return value if isinstance(value, tuple) else (value, value)


class ModelCore:
  """Tensors and operators of one subgraph; tensors are named by their index.

  Args:
    seed: Of the weights and of the scales.
    wild: Draw scales and zero points far from the fitting ones.
  """

  def __init__(self, seed: int = 0, wild: bool = False):
    self.rng = np.random.default_rng(seed)
    self.tensors: list[Tensor] = []
    self.operators: list[Operator] = []
    self._inputs: list[int] = []
    self._outputs: list[int] = []
    self._spread: dict[int, Spread] = {}
    self._wild = wild

  # ---- the model ----

  def input(
    self,
    shape: Sequence[int],
    dtype: DType = DType.INT8,
    scale: float | None = None,
    zero_point: int | None = None,
  ) -> int:
    """A model input: int8, uint8, int16 (of zero point 0) or float32."""
    scale = float(self.rng.uniform(0.01, 0.1)) if scale is None else scale
    zero_point = int(self.rng.integers(-128, 128)) if zero_point is None else zero_point
    quantization = None
    if dtype == DType.INT16:
      zero_point = 0
      quantization = quantized(scale / _INT16_STEPS, 0)
    elif dtype != DType.FLOAT32:
      quantization = quantized(scale, zero_point + _ZERO_POINT_SHIFT[dtype])
    index = self.tensor(shape, dtype, quantization, name=f'input_{len(self._inputs)}')
    self._spread[index] = Spread((-0.5 - zero_point) * scale, 74 * scale)
    self._inputs.append(index)
    return index

  def output(self, *tensors: int) -> None:
    """Makes tensors outputs of the model."""
    self._outputs += tensors

  def model(self) -> Model:
    subgraph = Subgraph(
      self.tensors, self.operators, tuple(self._inputs), tuple(self._outputs), name='main'
    )
    return Model([subgraph], description='generated')

  def build(self) -> bytes:
    """The model as a .tflite file."""
    return serialize_model(self.model())

  # ---- what is known of a tensor ----

  def shape(self, tensor: int) -> tuple[int, ...]:
    return self.tensors[tensor].shape

  def dtype(self, tensor: int) -> DType:
    return self.tensors[tensor].dtype

  def quantization(self, tensor: int) -> Quantization:
    result = self.tensors[tensor].quantization
    assert result is not None, f'tensor {tensor} is not quantized'
    return result

  def spread(self, tensor: int) -> Spread:
    return self._spread[tensor]

  @property
  def outputs(self) -> tuple[int, ...]:
    return tuple(self._outputs)

  # ---- making tensors and operators ----

  def tensor(
    self,
    shape: Sequence[int],
    dtype: DType,
    quantization: Quantization | None = None,
    data: np.ndarray | None = None,
    name: str | None = None,
    variable: bool = False,
  ) -> int:
    raw = None if data is None else np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
    self.tensors.append(
      Tensor(
        name=f'tensor_{len(self.tensors)}' if name is None else name,
        shape=tuple(int(size) for size in shape),
        dtype=dtype,
        data=raw,
        quantization=quantization,
        is_variable=variable,
      )
    )
    return len(self.tensors) - 1

  def constant(
    self, values: np.ndarray, dtype: DType, quantization: Quantization | None = None
  ) -> int:
    array = np.asarray(values, dtype.numpy)
    return self.tensor(array.shape, dtype, quantization, array)

  def int32(self, values: Any) -> int:
    """A constant of sizes, axes or the like."""
    return self.constant(np.asarray(values), DType.INT32)

  def activation(
    self,
    shape: Sequence[int],
    spread: Spread,
    activation: str = 'NONE',
    like: int | None = None,
    dtype: DType = DType.INT8,
  ) -> int:
    """A quantized tensor whose scale fits its values.

    Args:
      shape: Of the tensor.
      spread: Of its values before the fused activation.
      activation: The fused activation.
      like: Takes the quantization of this tensor instead.
      dtype: INT8, UINT8 or INT16.
    """
    clipped = spread.clipped(activation)
    if like is not None:
      quantization = self.quantization(like)
    else:
      quantization = self._fitting(clipped, dtype)
    index = self.tensor(shape, dtype, quantization)
    self._spread[index] = clipped
    return index

  def add_operator(
    self,
    opcode: str,
    inputs: Sequence[int],
    outputs: int | Sequence[int],
    operator_options: Any = None,
    version: int = 1,
  ) -> int:
    """Appends an operator; returns its first output."""
    results = (outputs,) if isinstance(outputs, int) else tuple(outputs)
    self.operators.append(
      Operator(opcode, tuple(inputs), results, options=operator_options, version=version)
    )
    return results[0]

  def _fitting(self, spread: Spread, dtype: DType) -> Quantization:
    low = min(0.0, spread.mean - 2.5 * spread.deviation)
    high = max(0.0, spread.mean + 2.5 * spread.deviation)
    if dtype == DType.INT16:
      scale = max(-low, high, 1e-6) / 32767 * self.rng.choice([0.7, 1.0, 1.0, 1.3])
      return quantized(float(scale * (self.rng.choice([0.25, 1.0, 4.0]) if self._wild else 1)), 0)
    scale = max(high - low, 1e-6) / 255 * self.rng.choice([0.7, 1.0, 1.0, 1.3])
    zero_point = round(-128 - low / scale)
    if self._wild:
      scale *= self.rng.choice([0.25, 1.0, 4.0])
      zero_point = self.rng.choice([-128, 127, 0, zero_point])
    zero_point = int(np.clip(zero_point, -128, 127))
    return quantized(float(scale), zero_point + _ZERO_POINT_SHIFT[dtype])


def quantized(scale: float, zero_point: int) -> Quantization:
  """Quantization per tensor."""
  return Quantization(np.array([scale], np.float32), np.array([zero_point], np.int64))
