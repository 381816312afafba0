# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""One traced graph, without XLA, for all sub-networks: each costs what it costs alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tflm_patch.architecture.spec import Pair
from tflm_patch.nas.supernet.engine import Loss
from tflm_patch.training.detection.boxes import FIELDS
from tflm_patch.training.elastic.network import ElasticNetwork
from tflm_patch.training.elastic.table import Number


class TensorFlowEngine:
  """See `Engine`.

  Args:
    network: Sliced.
    loss: What is learned from.

  Attributes:
    traces: How often a graph was made: once for each of its two functions.
  """

  def __init__(self, network: ElasticNetwork, loss: Loss) -> None:
    self._network, self._loss = network, loss
    self._size = network.largest.input_shape[:2]
    self.traces = 0
    self._weights = [each.value for each in network.trainable_weights]
    self._sums = [tf.Variable(tf.zeros_like(each), trainable=False) for each in self._weights]
    images = tf.TensorSpec((None, *network.reads), tf.float32)
    table = tf.TensorSpec((None, len(Number)), tf.float32)
    targets = (None, None, FIELDS) if loss.boxes else (None, network.outputs)
    values = tf.TensorSpec(targets, tf.float32)
    self._made = (None, None, None, network.outputs) if loss.boxes else (None, network.outputs)
    size, number = tf.TensorSpec((2,), tf.int32), tf.TensorSpec((), tf.float32)
    self._gradients = tf.function(
      self._trace_gradients, input_signature=(images, values, table, size, values, number)
    )
    self._run = tf.function(self._trace_run, input_signature=(images, table, size))
    self._calibrate = tf.function(self._trace_calibrate, input_signature=(images, table, size))
    self._apply: Any = None

  def gradients(
    self,
    images: np.ndarray,
    targets: np.ndarray,
    table: np.ndarray,
    size: Pair,
    teacher: np.ndarray | None,
    soft: float,
  ) -> tuple[float, np.ndarray]:
    """See `Engine`."""
    labels = self._loss.labels(targets, teacher)
    share = tf.constant(0.0 if teacher is None or self._loss.boxes else soft)
    loss, outputs = self._gradients(images, targets, table, tf.constant(size), labels, share)
    return float(loss), outputs.numpy()

  def step(self, optimizer: Any, count: int) -> None:
    """See `Engine`."""
    if self._apply is None or self._apply[0] is not optimizer:
      self._apply = optimizer, tf.function(lambda share: self._trace_step(optimizer, share))
    self._apply[1](tf.constant(1.0 / count))

  def run(self, images: np.ndarray, table: np.ndarray, size: Pair, statistics: bool) -> np.ndarray:
    """See `Engine`."""
    run = self._calibrate if statistics else self._run
    found: np.ndarray = run(images, table, tf.constant(size)).numpy()
    return found

  def _resized(self, images: Any, size: Any) -> Any:
    if len(images.shape) != 4:
      return images
    return tf.cond(
      tf.reduce_all(size == tf.constant(self._size)),
      lambda: images,
      lambda: tf.image.resize(images, size, antialias=True),
    )

  def _trace_gradients(
    self, images: Any, targets: Any, table: Any, size: Any, teacher: Any, soft: Any
  ) -> tuple[Any, Any]:
    self.traces += 1
    with self._network.momentum(1.0), tf.GradientTape() as tape:
      outputs = self._network([self._resized(images, size), table], training=True)
      outputs = tf.ensure_shape(outputs, self._made)
      hard = self._loss.hard(targets, outputs)
      loss = (1 - soft) * hard + soft * self._loss.soft(teacher, outputs)
    # Gradients of slices are sparse to TensorFlow.
    for kept, found in zip(self._sums, tape.gradient(loss, self._weights)):
      kept.assign_add(tf.convert_to_tensor(found))
    return loss, outputs

  def _trace_step(self, optimizer: Any, share: Any) -> None:
    optimizer.apply([each * share for each in self._sums], self._network.trainable_weights)
    for each in self._sums:
      each.assign(tf.zeros_like(each))

  def _trace_run(self, images: Any, table: Any, size: Any) -> Any:
    self.traces += 1
    return self._network([self._resized(images, size), table], training=False)

  def _trace_calibrate(self, images: Any, table: Any, size: Any) -> Any:
    self.traces += 1
    with self._network.momentum(0.0):
      return self._network([self._resized(images, size), table], training=True)
