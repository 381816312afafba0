# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What training each tensor is worth: by simulating it alone, or by Fisher information.

Simulated (MCUNetV3, arXiv 2206.15472): from a network whose last layer has been trained, that
layer and one tensor are trained a little longer; the contribution is what held-out accuracy
gains over training the last layer alone. Fisher information (TinyTrain, arXiv 2307.09988,
which takes that of activations): the mean of squared gradients of the real parameters, summed
over a tensor: by how much a small step of gradient descent lowers the loss.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Callable, Mapping

import numpy as np

from tflm_patch.on_device.scheme import LayerUpdate, Loss, Scheme
from tflm_patch.on_device.simulation.choices import Space, largest_channels
from tflm_patch.on_device.simulation.data import Samples
from tflm_patch.on_device.simulation.layers import Wanted
from tflm_patch.on_device.simulation.learning import LearningOptions, Prepared, learn
from tflm_patch.on_device.simulation.losses import LOSSES
from tflm_patch.on_device.simulation.network import Boundary, State

_LOSS_WEIGHT = 0.1  # of a nat less, beside accuracy: tells apart what gains no sample
Progress = Callable[[str], None]


class Analysis(enum.Enum):
  """How contributions are found."""

  FISHER = 'fisher'
  CONTRIBUTION = 'contribution'


@dataclasses.dataclass(frozen=True)
class Contributions:
  """Values of tensors; they are added up.

  Attributes:
    bias: By operator.
    weights: By operator and ratio of its input channels.
  """

  bias: Mapping[int, float]
  weights: Mapping[tuple[int, float], float]

  def value(self, space: Space, last: int, ratios: Mapping[int, float]) -> float:
    """Of a choice."""
    chosen = space.layers[len(space.layers) - last :]
    of_weights = sum(self.weights[index, ratio] for index, ratio in ratios.items())
    return sum(self.bias[index] for index in chosen) + of_weights


def fisher(space: Space, samples: Samples, state: State, first: int) -> Contributions:
  """By Fisher information, in one pass over samples.

  Args:
    space: Schemes.
    samples: Some.
    state: With a last layer that is trained.
    first: The earliest operator that is considered.
  """
  network = space.network
  layers = [index for index in space.layers if index >= first]
  boundary = network.advance(network.start(samples.inputs), first, state)
  squares: dict[int, np.ndarray] = {}
  biases = dict.fromkeys(layers, 0.0)
  wanted = {k: Wanted(tuple(range(network.layers[k].channels)), True) for k in layers}
  for number in range(len(samples)):
    which = slice(number, number + 1)
    trace = network.forward(boundary.chosen(which), state)
    _, gradient = LOSSES[space.loss](network.real(trace.logits), samples.targets[which])
    integers = (gradient * network.logit_scale).astype(np.float32)
    for index, found in network.backward(trace, integers, state, wanted).items():
      layer = network.layers[index]
      assert found.weights is not None and found.bias is not None
      shape = [1] * found.weights.ndim
      shape[layer.out_axis] = -1
      real = found.weights / layer.weight_scales.reshape(shape)
      axes = tuple(k for k in range(real.ndim) if k != layer.channel_axis % real.ndim)
      squares[index] = squares.get(index, 0.0) + (real**2).sum(axis=axes)
      of_bias = found.bias / (layer.weight_scales * layer.input_scale)
      biases[index] += float((of_bias**2).sum())
  count = max(len(samples), 1)
  weights = {
    (index, ratio): float(
      squares[index][list(largest_channels(network.layers[index], ratio))].sum()
    )
    / count
    for index in layers
    for ratio in space.ratios
  }
  return Contributions({k: value / count for k, value in biases.items()}, weights)


def contribution(
  space: Space,
  train: Samples,
  held_out: Samples,
  state: State,
  first: int,
  options: LearningOptions,
  progress: Progress = lambda text: None,
) -> Contributions:
  """By simulating the training of each tensor.

  Args:
    space: Schemes.
    train, held_out: To learn from and to judge by.
    state: With a last layer that is trained.
    first: The earliest operator that is considered.
    options: Of each simulation; a few epochs.
    progress: Gets a line a layer.
  """
  network = space.network
  layers = [index for index in space.layers if index >= first]
  boundaries = [network.start(each.inputs) for each in (train, held_out)]
  bias: dict[int, float] = {}
  weights: dict[tuple[int, float], float] = {}
  alone: float | None = None
  for number, index in enumerate(layers):
    boundaries = [network.advance(each, index, state) for each in boundaries]
    given, judged = _prepared(boundaries, (train, held_out))

    gain = functools.partial(_score, space, given, judged, state, options)
    if alone is None:
      alone = gain(space.least().updates[-1])
    bias[index] = gain(LayerUpdate(index, True)) - alone
    for ratio in space.ratios:
      channels = largest_channels(network.layers[index], ratio)
      weights[index, ratio] = gain(LayerUpdate(index, False, channels)) - alone
    progress(f'Contribution of layer {number + 1} of {len(layers)}')
  return Contributions(bias, weights)


def _prepared(boundaries: list[Boundary], of: tuple[Samples, ...]) -> list[Prepared]:
  return [Prepared(each, samples.targets) for each, samples in zip(boundaries, of)]


def _score(
  space: Space,
  train: Prepared,
  held_out: Prepared,
  state: State,
  options: LearningOptions,
  update: LayerUpdate,
) -> float:
  """Held-out accuracy after training the last layer and one tensor."""
  updates = {each.operator: each for each in space.least().updates}
  head = space.layers[-1]
  if update.operator != head:
    updates[update.operator] = update
  elif not space.has_new_head:
    updates = {head: update}
  scheme = Scheme(tuple(updates[k] for k in sorted(updates)), space.loss)
  last = learn(space.network, scheme, train, held_out, options, state, each_epoch=False).last
  if space.loss is Loss.MEAN_SQUARED_ERROR or last.accuracy is None:
    return -last.loss
  return last.accuracy - _LOSS_WEIGHT * last.loss
