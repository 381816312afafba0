# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the layers have in common."""

from __future__ import annotations

from typing import Any, TypeVar

import keras

from tflm_patch.quantization.layers.composite import expand
from tflm_patch.quantization.layers.registry import register_layer

_T = TypeVar('_T', bound=type)


def composite(cls: _T) -> _T:
  """Registers a layer with Keras' files, and with the int8 writer as what its call does."""
  register_layer(cls, expand)
  registered: _T = keras.saving.register_keras_serializable('tflm_patch')(cls)
  return registered


class CompositeLayer(keras.layers.Layer):
  """A layer whose weights lie in layers of Keras inside it.

  Attributes:
    settings: Arguments of the constructor, for `get_config`.
  """

  settings: tuple[str, ...] = ()

  def get_config(self) -> dict[str, Any]:
    return {**super().get_config(), **{name: getattr(self, name) for name in self.settings}}


class Projection(keras.layers.Layer):
  """x W^T + b, or x (W1 W2^T)^T + b of low rank; the last dimension is projected.

  Args:
    units: Of the result.
    rank: Of W; None for a full matrix.
    use_bias: Whether there is b.
    stddev: Of the initial weights; None for Glorot's.
  """

  def __init__(
    self,
    units: int,
    rank: int | None = None,
    use_bias: bool = False,
    stddev: float | None = None,
    **kwargs: Any,
  ) -> None:
    super().__init__(**kwargs)
    initializer = 'glorot_uniform'
    if stddev is not None:
      initializer = keras.initializers.RandomNormal(stddev=stddev)
    self.first = None
    if rank is not None:
      name = f'{self.name}_first'
      self.first = keras.layers.Dense(
        rank, use_bias=False, kernel_initializer=initializer, name=name
      )
    self.last = keras.layers.Dense(
      units, use_bias=use_bias, kernel_initializer=initializer, name=f'{self.name}_last'
    )

  @property
  def parts(self) -> list[Any]:
    """The dense layers, in order."""
    return [self.last] if self.first is None else [self.first, self.last]

  def build(self, shape: Any) -> None:
    for part in self.parts:
      part.build(shape)
      shape = (*shape[:-1], part.units)
    self.built = True

  def call(self, x: Any) -> Any:
    for part in self.parts:
      x = part(x)
    return x

  def compute_output_shape(self, shape: Any) -> Any:
    return (*shape[:-1], self.last.units)
