# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A bottleneck's used part alone, by slices whose sizes TensorFlow learns as it runs.

One traced graph (without XLA) serves all sub-networks, each at its own speed: channels and
kernels are cut out of the weights, blocks that are left out do not run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tflm_patch.models.operators import norm_name
from tflm_patch.training.elastic.space import Column

if TYPE_CHECKING:
  from tflm_patch.training.elastic.layers import ElasticBottleneck


def run(layer: ElasticBottleneck, x: Any, row: Any, training: bool) -> Any:
  """What `ElasticBottleneck` computes with masks.

  Args:
    layer: With its weights.
    x: float32[n, rows, columns, channels].
    row: Its numbers, see `Column`.
    training: Whether batch normalization uses, and follows, the batch.
  """
  if not layer.adds:
    return _computed(layer, x, row, training)
  return tf.cond(
    row[Column.ACTIVE] > 0.5, lambda: x + _computed(layer, x, row, training), lambda: x
  )


def _computed(layer: ElasticBottleneck, x: Any, row: Any, training: bool) -> Any:
  block = layer.block
  shape = layer.compute_output_shape([tuple(x.shape)])
  inner = tf.cast(row[Column.INNER], tf.int32)
  if layer.expand_name:
    kernel = layer.parts[layer.expand_name].kernel.value[..., :inner]
    x = tf.nn.conv2d(x, kernel, 1, 'SAME')
    x = layer.activate(_normed(layer, layer.expand_name, x, inner, training))
  side = block.kernel[0]
  off = (side - tf.cast(row[Column.KERNEL], tf.int32)) // 2
  whole = layer.parts[layer.depthwise_name].kernel.value
  rows = slice(off, side - off)
  kernel = whole[:, :, :inner] if block.kernel[0] != block.kernel[1] else whole[rows, rows, :inner]
  strides = [1, block.stride[0], block.stride[1], 1]
  x = tf.nn.depthwise_conv2d(x, kernel, strides, block.padding.value.upper())
  x = layer.activate(_normed(layer, layer.depthwise_name, x, inner, training))
  if layer.gate_names:
    x = x * _gate(layer, x, inner, tf.cast(row[Column.SQUEEZE], tf.int32))
  x = tf.nn.conv2d(x, layer.parts[layer.project_name].kernel.value[:, :, :inner], 1, 'SAME')
  x = tf.ensure_shape(x, shape)
  x = layer.parts[norm_name(layer.project_name)](x, training=training)
  used = tf.range(block.channels, dtype=tf.float32) < row[Column.CHANNELS]
  return x * tf.cast(used, x.dtype)


def _gate(layer: ElasticBottleneck, x: Any, inner: Any, squeeze: Any) -> Any:
  """Squeeze-and-excite, of the first channels."""
  first, last = (layer.parts[name] for name in layer.gate_names)
  gate = tf.reduce_mean(x, axis=[1, 2], keepdims=True)
  gate = tf.nn.conv2d(gate, first.kernel.value[:, :, :inner, :squeeze], 1, 'SAME')
  gate = tf.nn.relu(gate + first.bias.value[:squeeze])
  gate = tf.nn.conv2d(gate, last.kernel.value[:, :, :squeeze, :inner], 1, 'SAME')
  return tf.sigmoid(gate + last.bias.value[:inner])


def _normed(layer: ElasticBottleneck, name: str, x: Any, count: Any, training: bool) -> Any:
  """Batch normalization of the first channels; the statistics of the others stay."""
  norm = layer.parts[norm_name(name)]
  gamma, beta = norm.gamma.value[:count], norm.beta.value[:count]
  mean, variance = norm.moving_mean.value[:count], norm.moving_variance.value[:count]
  if not training:
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, norm.epsilon)
  made, batch_mean, batch_variance = tf.compat.v1.nn.fused_batch_norm(
    x, gamma, beta, epsilon=norm.epsilon, is_training=True
  )
  # TensorFlow estimates the variance of all cells there are; Keras keeps that of the batch.
  cells = tf.cast(tf.size(x) // tf.shape(x)[-1], tf.float32)
  batch_variance = batch_variance * (cells - 1) / cells
  for kept, old, new in (
    (norm.moving_mean.value, mean, batch_mean),
    (norm.moving_variance.value, variance, batch_variance),
  ):
    kept[:count].assign(norm.momentum * old + (1 - norm.momentum) * new)
  return made
