# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The weights of a model for the model of the redistributed spec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.architecture.spec import Spec
from tflm_patch.models.builder import BuildOptions, build, layer_names
from tflm_patch.models.operators import norm_name
from tflm_patch.quantization.model_io import require_keras

_SKIPPING = ('ir', 'er', 'basic')  # the input is added to what they compute


def inherit(
  model: Any, old: Spec, new: Spec, origin: Sequence[int | None], samples: np.ndarray | None = None
) -> Any:
  """Builds the new model; its blocks have the old one's weights.

  Kernels that became smaller have the centre of the old ones, narrower blocks the inner
  channels with the largest weights; blocks that are new give what they read, so that the
  network computes what it did without them.

  Args:
    model: Built from the old spec.
    old, new: Specs.
    origin: For each block of the new spec the number of the old block; None for new ones.
    samples: Inputs as the model is trained with; batch normalization gets its statistics
      from them anew, since those of cropped kernels are others. None leaves the old ones.
  """
  require_keras()
  made = build(new, _options_of(model), name=model.name)
  sources, targets = layer_names(old), layer_names(new)
  numbers = [*origin, *range(len(old.blocks), len(sources))]  # heads follow the blocks
  for block, (target, number) in enumerate(zip(targets, numbers)):
    if number is None:
      _make_identity(made, [name for name in target if _has(made, name)], new, block)
      continue
    pairs = [
      (model.get_layer(theirs), made.get_layer(ours))
      for theirs, ours in zip(sources[number], target)
      if _has(made, ours) and _has(model, theirs)
    ]
    channels = _kept_channels(pairs)
    for theirs, ours in pairs:
      _copy(theirs, ours, channels)
  if samples is not None:
    _recalibrate(made, _plain_norms(made, new, targets, numbers), samples)
  return made


def _options_of(model: Any) -> BuildOptions:
  """How the model was built."""
  norms = [layer for layer in model.layers if layer.name.endswith(norm_name(''))]
  rates = [layer.rate for layer in model.layers if layer.name.endswith('_dropout')]
  dropout = rates[0] if rates else 0.0
  if not norms:
    return BuildOptions(normalization=False, dropout=dropout)
  return BuildOptions(momentum=norms[0].momentum, dropout=dropout)


def _plain_norms(
  made: Any, spec: Spec, names: Sequence[Sequence[str]], numbers: Sequence[int | None]
) -> list[Any]:
  """Batch normalization of new blocks whose output is not added to their input."""
  return [
    made.get_layer(name)
    for block, (inside, number) in enumerate(zip(names, numbers))
    if number is None and spec.blocks[block].kind not in _SKIPPING
    for name in inside
    if name.endswith(norm_name('')) and _has(made, name)
  ]


def _recalibrate(made: Any, identities: Sequence[Any], samples: np.ndarray) -> None:
  """Sets statistics to those of the samples; what gives its input goes on to give it."""
  import keras

  from tflm_patch.training.elastic.weights import recalibrate

  for norm in identities:
    norm.trainable = False  # it normalizes by what it keeps: the mean 0, the variance 1
  try:
    recalibrate(made, samples)
  finally:
    for norm in identities:
      norm.trainable = True
  if not identities:
    return
  # A training step normalizes by the batch: that is undone by gamma and beta.
  read = keras.Model(made.input, [norm.input for norm in identities])
  for norm, values in zip(identities, keras.tree.flatten(read.predict(samples, verbose=0))):
    axes = tuple(range(values.ndim - 1))
    mean, variance = values.mean(axes), values.var(axes)
    norm.moving_mean.assign(mean)
    norm.moving_variance.assign(variance)
    norm.gamma.assign(np.sqrt(variance + norm.epsilon))
    norm.beta.assign(mean)


def _has(model: Any, name: str) -> bool:
  return any(layer.name == name for layer in model.layers)


def _kept_channels(pairs: Sequence[tuple[Any, Any]]) -> np.ndarray:
  """Inner channels of a block that stay, in order: those that its last layer weighs most."""
  last, target = [pair for pair in pairs if not pair[0].name.endswith('_norm')][-1]
  kernel = _numpy(last.weights[0])
  count = tuple(target.weights[0].shape)[-2]
  weights = np.abs(kernel).sum(axis=tuple(k for k in range(kernel.ndim) if k != kernel.ndim - 2))
  return np.sort(np.argsort(-weights, kind='stable')[:count])


def _copy(source: Any, target: Any, channels: np.ndarray) -> None:
  """Weights of a layer: the centre of larger windows, those channels of more."""
  for theirs, ours in zip(source.weights, target.weights):
    values = _numpy(theirs)
    for axis, want in enumerate(tuple(ours.shape)):
      have = values.shape[axis]
      if have == want:
        continue
      if values.ndim == 4 and axis < 2:
        first = (have - want) // 2
        values = np.take(values, range(first, first + want), axis)
      else:
        values = np.take(values, channels, axis)
    ours.assign(values)


def _make_identity(model: Any, names: Sequence[str], spec: Spec, block: int) -> None:
  """Lets a new block give what it reads."""
  layers = [model.get_layer(name) for name in names]
  if spec.blocks[block].kind in _SKIPPING:
    # A last layer of 0: what it computes beside the input is nothing.
    last = layers[-1]
    for weight in last.weights:
      if any(weight.path.endswith(end) for end in ('gamma', 'beta', 'kernel', 'bias')):
        weight.assign(np.zeros(tuple(weight.shape), np.float32))
    return
  for layer in layers:
    if layer.name.endswith('_norm'):
      layer.gamma.assign(np.full(tuple(layer.gamma.shape), np.sqrt(1 + layer.epsilon)))
      continue
    kernel = layer.weights[0]
    kernel.assign(_dirac(tuple(kernel.shape), 'depthwise' in layer.name))


def _dirac(shape: tuple[int, ...], depthwise: bool) -> np.ndarray:
  """A kernel (rows, columns, inputs, outputs or 1) that gives its centre."""
  values = np.zeros(shape, np.float32)
  centre = values[(shape[0] - 1) // 2, (shape[1] - 1) // 2]
  if depthwise:
    centre[...] = 1
  else:
    np.fill_diagonal(centre, 1)
  return values


def _numpy(weight: Any) -> np.ndarray:
  from keras import ops

  return np.asarray(ops.convert_to_numpy(weight))
