# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Parts of layers by slices whose sizes TensorFlow learns as it runs.

One traced graph (without XLA) serves all sub-networks, each at its own speed: channels and
windows are cut out of the weights, blocks that are left out do not run. The functions are
those of `masks`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tflm_patch.architecture.layers import Layer
from tflm_patch.training.elastic.table import Number


def _channels(row: Any) -> Any:
  return tf.cast(row[Number.CHANNELS], tf.int32)


def _window(part: Any, layer: Layer, row: Any) -> Any:
  """The centre of a kernel, with all its channels."""
  kernel = part.kernel.value
  cuts = []
  for column, total in zip((Number.ROWS, Number.COLUMNS), layer.kernel):
    off = (total - tf.cast(row[column], tf.int32)) // 2
    cuts.append(slice(None) if total == 1 else slice(off, total - off))
  return kernel if layer.kernel == (1, 1) else kernel[cuts[0], cuts[1]]


def conv(part: Any, layer: Layer, x: Any, row: Any) -> Any:
  """CONV_2D, without its activation."""
  kernel = _window(part, layer, row)[:, :, : tf.shape(x)[-1], : _channels(row)]
  x = tf.nn.conv2d(x, kernel, layer.stride, layer.padding.value.upper())
  return _biased(part, x, row)


def depthwise(part: Any, layer: Layer, x: Any, row: Any) -> Any:
  """DEPTHWISE_CONV_2D, without its activation."""
  kernel = _window(part, layer, row)[:, :, : _channels(row)]
  strides = [1, *layer.stride, 1]
  x = tf.nn.depthwise_conv2d(x, kernel, strides, layer.padding.value.upper())
  return _biased(part, x, row)


def dense(part: Any, layer: Layer, x: Any, row: Any) -> Any:
  """FULLY_CONNECTED, without its activation."""
  kernel = part.kernel.value[: tf.shape(x)[-1], : _channels(row)]
  return _biased(part, tf.matmul(x, kernel), row)


def _biased(part: Any, x: Any, row: Any) -> Any:
  return x + part.bias.value[: _channels(row)] if part.use_bias else x


def normalize(part: Any, x: Any, row: Any, training: bool) -> Any:
  """Of the first channels; the statistics of the others stay.

  A momentum of 1 leaves all statistics as they are, and costs nothing.
  """
  count = _channels(row)
  gamma, beta = part.gamma.value[:count], part.beta.value[:count]
  mean, variance = part.moving_mean.value[:count], part.moving_variance.value[:count]
  if not training:
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, part.epsilon)
  flat = len(x.shape) == 2
  if flat:
    x = x[:, None, None, :]
  made, batch_mean, batch_variance = tf.compat.v1.nn.fused_batch_norm(
    x, gamma, beta, epsilon=part.epsilon, is_training=True
  )
  if part.momentum != 1:
    # TensorFlow estimates the variance of all cells there are; Keras keeps that of the batch.
    cells = tf.cast(tf.size(x) // tf.shape(x)[-1], tf.float32)
    batch_variance = batch_variance * (cells - 1) / cells
    for kept, old, new in (
      (part.moving_mean.value, mean, batch_mean),
      (part.moving_variance.value, variance, batch_variance),
    ):
      kept[:count].assign(part.momentum * old + (1 - part.momentum) * new)
  return made[:, 0, 0] if flat else made


def finish(x: Any, row: Any) -> Any:
  """There is nothing but the first channels."""
  del row
  return x


def block(
  x: Any, compute: Callable[[], Any], active: Any | None, adds: Any | None, always_adds: bool
) -> Any:
  """What a block makes, and its input; see `masks.block`."""

  def whole() -> Any:
    made = compute()
    if adds is not None:
      return tf.cond(adds > 0.5, lambda: x + made, lambda: made)
    return x + made if always_adds else made

  return whole() if active is None else tf.cond(active > 0.5, whole, lambda: x)
