# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Weights of sub-networks: extraction, batch normalization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tflm_patch.architecture.spec import Spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.models.builder import BuildOptions, build, layer_names
from tflm_patch.training.elastic.network import ElasticNetwork

RECALIBRATION_BATCH = 64
_PLAIN = BuildOptions()


def extract(
  network: ElasticNetwork, spec: Spec, origin: Sequence[int], options: BuildOptions = _PLAIN
) -> Any:
  """A plain Keras model of a sub-network, with its part of the weights.

  The statistics of batch normalization are those of the whole network: `recalibrate` them.

  Args:
    network: That has the weights.
    spec: The sub-network.
    origin: For each of its blocks the number of the network's.
    options: How the plain model is built.
  """
  made = build(spec, options)
  copy_part(network, spec, origin, {layer.name: layer for layer in made.layers})
  return made


def copy_part(
  network: ElasticNetwork, spec: Spec, origin: Sequence[int], targets: Mapping[str, Any]
) -> None:
  """Gives the layers of a sub-network their part of the weights.

  Args:
    network, spec, origin: As for `extract`.
    targets: Layers of Keras, by the names that `models.build(spec)` gives them.
  """
  names = layer_names(network.largest)
  origins = [*origin, *range(len(network.largest.blocks), len(names))]
  for ours, number in zip(layer_names(spec), origins):
    for our_name, name in zip(ours, names[number]):
      if our_name in targets and name in network.parts:
        for target, source in zip(targets[our_name].weights, network.parts[name].weights):
          target.assign(part_of(ops.convert_to_numpy(source), tuple(target.shape)))


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
