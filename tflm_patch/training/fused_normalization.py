# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Batch normalization of TensorFlow in one kernel each way, while a model is trained.

Keras 3 composes it of a dozen operators. On a CPU without XLA they take a third of a step of a
small convolutional network; the fused kernels compute the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def fused_normalization(model: Any) -> Iterator[None]:
  """Within it, the normalizations of a Keras model train by the fused kernels.

  Inference is not changed, and neither is what they cannot do: other axes than the last of four,
  masks, renormalization, statistics of several devices. Moving variances are those of Keras,
  without Bessel's correction. Other backends than TensorFlow: nothing is changed.
  """
  import keras

  layers = []
  if keras.backend.backend() == 'tensorflow':
    layers = [layer for layer in _layers_of(model) if _is_fit(layer)]
  for layer in layers:
    layer.call = _fused(layer)
  try:
    yield
  finally:
    for layer in layers:
      del layer.call


def _layers_of(model: Any) -> Iterator[Any]:
  import keras

  # What trains a supernet is no layer, and has fused ones.
  if isinstance(model, keras.layers.Layer):
    yield from model._flatten_layers(include_self=False)


def _is_fit(layer: Any) -> bool:
  import keras

  return (
    type(layer) is keras.layers.BatchNormalization
    and layer.built
    and layer.axis in (-1, 3)
    and len(layer.input_spec.axes) == 1
    and layer.input_spec.ndim == 4
    and layer.scale
    and layer.center
    and not layer.synchronized
    and not getattr(layer, 'renorm', False)
    and layer.dtype_policy.compute_dtype == 'float32'
  )


def _fused(layer: Any) -> Any:
  """What takes the place of the layer's `call`."""
  import tensorflow as tf

  kernel, whole = tf.compat.v1.nn.fused_batch_norm, layer.call

  def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    if not training or not layer.trainable or mask is not None:
      return whole(inputs, training=training, mask=mask)
    made, mean, variance = kernel(
      inputs, layer.gamma, layer.beta, epsilon=layer.epsilon, is_training=True
    )
    count = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
    keep = layer.momentum
    layer.moving_mean.assign(keep * layer.moving_mean + (1 - keep) * mean)
    variance *= (count - 1) / count  # the kernel's is that of a sample
    layer.moving_variance.assign(keep * layer.moving_variance + (1 - keep) * variance)
    return made

  return call
