# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators of the model builder that keep a state."""

from __future__ import annotations

import numpy as np

from support.model_core import ModelCore, Spread, options, quantized
from tflm_patch.graph.types import DType

_TANH = 4  # ActivationFunctionType


class RecurrentOps(ModelCore):
  """SVDF and UNIDIRECTIONAL_SEQUENCE_LSTM."""

  def svdf(
    self,
    x: int,
    units: int,
    memory: int = 5,
    rank: int = 1,
    state_dtype: DType = DType.INT8,
    activation: int = 0,
  ) -> int:
    """SVDF of a vector [1, n] with a state of int8 or int16."""
    inputs, filters = self.shape(x)[1], units * rank
    source = self.spread(x)
    weights = self._symmetric((filters, inputs), 0.5 / np.sqrt(inputs))
    times = self._symmetric((filters, memory), 0.5 / np.sqrt(memory), state_dtype)
    deviation = 0.4 * float(np.hypot(source.mean, source.deviation))
    made = self.activation((1, filters * memory), Spread(0.0, deviation), dtype=state_dtype)
    self.tensors[made].is_variable = True
    scale = self.quantization(made).scale * self.quantization(times).scale
    bias = self.constant(
      self.rng.integers(-500, 500, units), DType.INT32, quantized(float(np.float32(scale)), 0)
    )
    y = self.activation((1, units), Spread(0.0, deviation * np.sqrt(rank)))
    fields = options('SVDFOptions', rank=rank, fusedActivationFunction=activation)
    return self.add_operator('SVDF', (x, weights, times, bias, made), y, fields, version=3)

  def lstm(self, x: int, units: int, cell_power: int = -12, clip: float = 10.0) -> int:
    """UNIDIRECTIONAL_SEQUENCE_LSTM of [1, steps, n], its cell state in units of 2^cell_power."""
    steps, inputs = self.shape(x)[1:]
    source = self.quantization(x).scale
    hidden_scale = float(self.rng.choice([1 / 128, 1 / 140, 1 / 300 if self._wild else 1 / 128]))
    zero_point = int(self.rng.choice([0, -4, 127 if self._wild else 3]))
    by_input = [self._symmetric((units, inputs), 0.02 / source) for _ in range(4)]
    by_hidden = [self._symmetric((units, units), 1.5 / np.sqrt(units)) for _ in range(4)]
    biases = [
      self.constant(
        self.rng.integers(-4000, 4000, units),
        DType.INT32,
        quantized(source * self.quantization(weights).scale, 0),
      )
      for weights in by_input
    ]
    hidden = self.tensor((1, units), DType.INT8, quantized(hidden_scale, zero_point), variable=True)
    cell = self.tensor((1, units), DType.INT16, quantized(2.0**cell_power, 0), variable=True)
    y = self.activation((1, steps, units), Spread(0.0, 0.4))
    self.tensors[y].quantization = self.quantization(hidden)
    absent = (-1,) * 4
    inputs_of_all = (
      *(x, *by_input, *by_hidden, *absent[:3], *biases, *absent[:2], hidden, cell, *absent),
    )
    fields = options(
      'UnidirectionalSequenceLSTMOptions', fusedActivationFunction=_TANH, cellClip=clip
    )
    return self.add_operator('UNIDIRECTIONAL_SEQUENCE_LSTM', inputs_of_all, y, fields)

  def _symmetric(self, shape: tuple[int, int], deviation: float, dtype: DType = DType.INT8) -> int:
    """Normally distributed symmetric weights."""
    most = 127 if dtype == DType.INT8 else 32767
    scale = float(3 * deviation / most)
    values = np.clip(np.round(self.rng.normal(0, deviation, shape) / scale), -most, most)
    return self.constant(values, dtype, quantized(scale, 0))
