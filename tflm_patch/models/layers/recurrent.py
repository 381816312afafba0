# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""FastRNN and FastGRNN (Kusupati et al., NeurIPS 2018), unrolled in time."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tflm_patch.models.layers.base import CompositeLayer, Projection, composite

Shape = tuple[Any, ...]


class _Recurrent(CompositeLayer):
  """A layer that reads a sequence step by step and gives its last state.

  W x is computed for all steps at once; the steps are unrolled, so that the model is one
  graph without loops or state. Short sequences are padded at their beginning.

  Args:
    units: Of the state.
    input_rank, state_rank: Of W and U; None for full matrices.

  Call: float32[n, steps, d] to float32[n, units].
  """

  settings = ('units', 'input_rank', 'state_rank')

  def __init__(
    self, units: int, input_rank: int | None = None, state_rank: int | None = None, **kwargs: Any
  ) -> None:
    super().__init__(**kwargs)
    self.units, self.input_rank, self.state_rank = units, input_rank, state_rank
    self.input_projection = Projection(units, input_rank, name='input_projection')
    self.state_projection = Projection(units, state_rank, use_bias=True, name='state_projection')

  def build(self, shape: Shape) -> None:
    self.input_projection.build(shape)
    self.state_projection.build((shape[0], self.units))
    self.build_cell()
    self.built = True

  def build_cell(self) -> None:
    """Adds the weights that only this cell has."""

  @property
  def bias(self) -> Any:
    """float32[units], added to W x + U h."""
    return self.state_projection.last.bias

  def call(self, x: Any) -> Any:
    inputs = x
    for part in self.input_projection.parts:
      inputs = part(inputs)
    state = None
    for step in range(x.shape[1]):
      state = self.step(inputs[:, step], state)
    return state

  def before_activation(self, wx: Any, state: Any) -> Any:
    """W x + U h + b; the state before the first step is 0."""
    if state is None:
      return ops.add(wx, self.bias)
    for part in self.state_projection.parts:
      state = part(state)
    return ops.add(wx, state)

  def step(self, wx: Any, state: Any) -> Any:
    """The next state.

    Args:
      wx: W x of the step, float32[n, units].
      state: The one before; None at the beginning.
    """
    raise NotImplementedError

  def compute_output_shape(self, shape: Shape) -> Shape:
    return (shape[0], self.units)


@composite
class FastRNN(_Recurrent):
  """h' = alpha tanh(W x + U h + b) + beta h, alpha and beta learned within 0 and 1.

  See `_Recurrent` for the arguments: units, input_rank, state_rank.
  """

  def build_cell(self) -> None:
    self.alpha = self.add_weight(
      shape=(), initializer=keras.initializers.Constant(-1.0), name='alpha'
    )
    self.beta = self.add_weight(shape=(), initializer=keras.initializers.Constant(2.0), name='beta')

  def step(self, wx: Any, state: Any) -> Any:
    candidate = ops.tanh(self.before_activation(wx, state))
    made = ops.multiply(candidate, ops.sigmoid(self.alpha))
    return made if state is None else ops.add(made, ops.multiply(state, ops.sigmoid(self.beta)))


@composite
class FastGRNN(_Recurrent):
  """h' = (zeta (1 - z) + nu) * c + z * h, with gate z and candidate c of one W and one U.

  z = sigmoid(W x + U h + b_z), c = tanh(W x + U h + b_h); zeta and nu are learned within 0
  and 1. See `_Recurrent` for the arguments: units, input_rank, state_rank.
  """

  def build_cell(self) -> None:
    self.gate_bias = self.add_weight(shape=(self.units,), initializer='ones', name='gate_bias')
    self.zeta = self.add_weight(shape=(), initializer=keras.initializers.Constant(1.0), name='zeta')
    self.nu = self.add_weight(shape=(), initializer=keras.initializers.Constant(-4.0), name='nu')

  def step(self, wx: Any, state: Any) -> Any:
    both = self.before_activation(wx, state)
    candidate = ops.tanh(both)
    gate = ops.sigmoid(ops.add(both, ops.subtract(self.gate_bias, self.bias)))
    zeta, nu = ops.sigmoid(self.zeta), ops.sigmoid(self.nu)
    kept = ops.add(ops.multiply(gate, ops.negative(zeta)), ops.add(zeta, nu))
    made = ops.multiply(kept, candidate)
    return made if state is None else ops.add(made, ops.multiply(gate, state))
