# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Weights of sub-networks: extraction, the order of channels, batch normalization."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from tflm_patch.architecture.spec import Spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.models.builder import BuildOptions, build, layer_names
from tflm_patch.models.operators import norm_name
from tflm_patch.training.elastic.layers import ElasticBottleneck
from tflm_patch.training.elastic.network import parts_of
from tflm_patch.training.elastic.space import Space, SubNetwork

RECALIBRATION_BATCH = 64
_PLAIN = BuildOptions()


def extract(
  network: Any,
  space: Space,
  sub: SubNetwork,
  options: BuildOptions = _PLAIN,
  spec: Spec | None = None,
) -> Any:
  """A plain Keras model of a sub-network, with its part of the weights.

  The statistics of batch normalization are those of the whole network: `recalibrate` them.

  Args:
    network: Of `build_network`.
    space: Its space.
    sub: Which one.
    options: How the plain model is built.
    spec: What the sub-network is called; None for the space's name of it.
  """
  spec = spec or space.spec_of(sub)
  made = build(spec, options)
  parts = parts_of(network)
  names = layer_names(space.largest)
  origins = [*space.origin(sub), *range(len(space.largest.blocks), len(names))]
  targets = {layer.name: layer for layer in made.layers}
  for ours, origin in zip(layer_names(spec), origins):
    for our_name, name in zip(ours, names[origin]):
      if our_name in targets and name in parts:
        for target, source in zip(targets[our_name].weights, parts[name].weights):
          target.assign(part_of(ops.convert_to_numpy(source), tuple(target.shape)))
  return made


def part_of(values: Any, shape: tuple[int, ...]) -> np.ndarray:
  """The part of a weight that a smaller layer has: the centre of windows, the first channels."""
  found = np.asarray(values)
  cuts = []
  for axis, (have, want) in enumerate(zip(found.shape, shape)):
    first = (have - want) // 2 if len(shape) == 4 and axis < 2 else 0
    cuts.append(slice(first, first + want))
  return found[tuple(cuts)]


def recalibrate(model: Any, samples: np.ndarray, batch: int = RECALIBRATION_BATCH) -> None:
  """Sets the statistics of batch normalization to their mean over batches of the samples.

  Args:
    model: A Keras model.
    samples: Its inputs, as it is trained with.
    batch: Of so many; a last one that is smaller is left out.

  Raises:
    TflmPatchError: there is no whole batch.
  """
  norms = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
  count = len(samples) // batch if len(samples) >= batch else min(1, len(samples))
  if not count:
    raise TflmPatchError('batch normalization cannot be recalibrated without samples')
  momenta = [norm.momentum for norm in norms]
  try:
    for k in range(count):
      for norm in norms:
        norm.momentum = k / (k + 1)  # the mean of all batches so far
      model(ops.convert_to_tensor(samples[k * batch : (k + 1) * batch]), training=True)
  finally:
    for norm, momentum in zip(norms, momenta):
      norm.momentum = momentum


def sort_channels(network: Any) -> None:
  """Orders the inner channels of every bottleneck, those that its last layer weighs most first.

  What the whole network computes stays the same. By the L1 norm, as Once-for-all
  (arXiv 1908.09791) does before expansions shrink.
  """
  for layer in network.layers:
    if isinstance(layer, ElasticBottleneck) and layer.expand_name:
      kernel = np.asarray(ops.convert_to_numpy(layer.parts[layer.project_name].kernel))
      order = np.argsort(-np.abs(kernel).sum(axis=(0, 1, 3)), kind='stable')
      for weight, axis in _inner_axes(layer):
        values = np.asarray(ops.convert_to_numpy(weight))
        weight.assign(np.take(values, order, axis))


def _inner_axes(layer: ElasticBottleneck) -> Iterator[tuple[Any, int]]:
  """Every weight of a bottleneck that has its inner channels, and on which axis."""
  assert layer.expand_name
  parts = layer.parts
  yield parts[layer.expand_name].kernel, 3
  yield parts[layer.depthwise_name].kernel, 2
  yield parts[layer.project_name].kernel, 2
  for name in (layer.expand_name, layer.depthwise_name):
    for weight in parts[norm_name(name)].weights:
      yield weight, 0
  if layer.gate_names:
    first, last = (parts[name] for name in layer.gate_names)
    yield first.kernel, 2
    yield last.kernel, 3
    yield last.bias, 0
