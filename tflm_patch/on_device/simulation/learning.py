# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Training as the chip does it: samples one after the other, an update after some of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.on_device.scheme import Loss, Scheme
from tflm_patch.on_device.simulation.data import Samples, check
from tflm_patch.on_device.simulation.layers import Parameters, Wanted
from tflm_patch.on_device.simulation.losses import LOSSES
from tflm_patch.on_device.simulation.network import Boundary, Network, State
from tflm_patch.on_device.simulation.threads import one_thread
from tflm_patch.on_device.simulation.updates import Chance, Scaling, count, updated

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class LearningOptions:
  """How a chip learns.

  Attributes:
    rate: Of gradient descent on the real weights.
    epochs: How often it sees every sample.
    accumulation: Samples whose gradients are averaged for an update.
    scaling: Of gradients.
    decays: The rate falls to 0 along a cosine.
    seed: Of the order of samples and of the stochastic rounding.
  """

  rate: float = 0.05
  epochs: int = 20
  accumulation: int = 16
  scaling: Scaling = Scaling.QUANTIZATION_AWARE
  decays: bool = True
  seed: int = 1

  def __post_init__(self) -> None:
    if not (math.isfinite(self.rate) and self.rate > 0):
      raise TflmPatchError(f'a learning rate of {self.rate:g} is not possible; use one above 0')
    if self.epochs < 1 or self.accumulation < 1:
      raise TflmPatchError('epochs and accumulated samples are whole numbers of at least 1')

  def updates(self, samples: int) -> int:
    """How many updates the epochs of so many samples make."""
    return self.epochs * samples // self.accumulation

  def rate_at(self, step: int, updates: int) -> float:
    """The learning rate of an update."""
    return self.rate * (0.5 * (1 + math.cos(math.pi * step / updates)) if self.decays else 1.0)


DEFAULT = LearningOptions()


@dataclasses.dataclass(frozen=True)
class Judgement:
  """Of held-out samples.

  Attributes:
    step: Updates made before.
    samples: Samples seen before.
    loss: Mean, in nats for classes.
    accuracy: Share whose class is right; None of a squared error.
  """

  step: int
  samples: int
  loss: float
  accuracy: float | None


@dataclasses.dataclass(frozen=True, eq=False)
class Learned:
  """What came of it.

  Attributes:
    state: All layers after the last step.
    curve: Before the first step, after every epoch.
  """

  state: State
  curve: tuple[Judgement, ...]

  @property
  def last(self) -> Judgement:
    """After the last step."""
    return self.curve[-1]


@dataclasses.dataclass(frozen=True, eq=False)
class Prepared:
  """Samples behind the frozen part of a network.

  Attributes:
    boundary: What the frozen part gives.
    targets: As in `Samples`.
  """

  boundary: Boundary
  targets: np.ndarray


def prepare(network: Network, samples: Samples, first: int) -> Prepared:
  """Computes the frozen part once."""
  return Prepared(network.advance(network.start(samples.inputs), first), samples.targets)


def judge(
  network: Network, prepared: Prepared, state: State, loss: Loss, step: int = 0, seen: int = 0
) -> Judgement:
  """Loss and accuracy of samples."""
  logits = network.real(network.outputs(prepared.boundary, state))
  losses, _ = LOSSES[loss](logits, prepared.targets)
  accuracy = None
  if loss is Loss.CROSS_ENTROPY:
    accuracy = float(np.mean(logits.argmax(axis=1) == prepared.targets))
  return Judgement(step, seen, float(losses.mean()), accuracy)


def learn(
  network: Network,
  scheme: Scheme,
  train: Prepared,
  held_out: Prepared,
  options: LearningOptions = DEFAULT,
  state: State | None = None,
  each_epoch: bool = True,
  progress: Progress = lambda text: None,
) -> Learned:
  """Trains what a scheme says.

  Args:
    network: The model.
    scheme: What is trained; its layers are of the network.
    train, held_out: Prepared for an operator that is not behind the scheme's first.
    options: How.
    state: To begin with; that of the file when None.
    each_epoch: Judge after every epoch, not only after the last.
    progress: Gets a line an epoch.

  Raises:
    TflmPatchError: gradients do not reach a layer, or labels do not fit.
  """
  _check(network, scheme, train, options)
  with one_thread():
    return _learn(network, scheme, train, held_out, options, state, each_epoch, progress)


def _learn(
  network: Network,
  scheme: Scheme,
  train: Prepared,
  held_out: Prepared,
  options: LearningOptions,
  state: State | None,
  each_epoch: bool,
  progress: Progress,
) -> Learned:
  current = dict(network.initial if state is None else state)
  run = _Run(network, scheme, train, options)
  curve = [judge(network, held_out, current, scheme.loss)]
  per_epoch = len(train.targets)
  epoch, updates = 0, options.updates(per_epoch)
  for step, which in enumerate(_groups(per_epoch, options)):
    current.update(run.step(which, current, options.rate_at(step, updates)))
    seen = (step + 1) * options.accumulation
    is_last = step + 1 == updates
    if not is_last and not (each_epoch and seen // per_epoch > epoch):
      continue
    epoch = seen // per_epoch
    curve.append(judge(network, held_out, current, scheme.loss, step + 1, seen))
    progress(_line(epoch, options.epochs, curve[-1]))
  return Learned(current, tuple(curve))


def _check(network: Network, scheme: Scheme, train: Prepared, options: LearningOptions) -> None:
  reached = network.trainable()
  for update in scheme.updates:
    if update.operator not in reached:
      raise TflmPatchError(
        f'operator {update.operator} cannot be trained; these can: {", ".join(map(str, reached))}'
      )
    layer = network.layers[update.operator]
    if update.input_channels and update.input_channels[-1] >= layer.channels:
      raise TflmPatchError(
        f'{layer.view.name} has {layer.channels} input channels, no {update.input_channels[-1]}'
      )
    if update.bias and not layer.has_bias:
      raise TflmPatchError(f'{layer.view.name} has no biases')
  rows = next(iter(train.boundary.maps.values()))
  check(Samples(rows, train.targets), network.classes, scheme.loss)
  if not options.updates(len(train.targets)):
    raise TflmPatchError(
      f'{options.epochs} epochs of {len(train.targets)} samples are fewer than the '
      f'{options.accumulation} of one update; give more, or accumulate fewer'
    )


def _groups(count: int, options: LearningOptions) -> Iterator[np.ndarray]:
  """The samples of every update: all samples in a new order an epoch, so many at a time."""
  left = np.zeros(0, np.int64)
  for epoch in range(options.epochs):
    order = np.random.default_rng((options.seed, epoch)).permutation(count)
    left = np.concatenate([left, order])
    while len(left) >= options.accumulation:
      yield left[: options.accumulation]
      left = left[options.accumulation :]


class _Run:
  """Makes updates, and counts them."""

  def __init__(
    self, network: Network, scheme: Scheme, train: Prepared, options: LearningOptions
  ) -> None:
    self._network, self._scheme, self._train = network, scheme, train
    self._scaling, self._chance = options.scaling, Chance(options.seed)
    self._wanted = {
      each.operator: Wanted(each.input_channels, each.bias) for each in scheme.updates
    }
    counts = [count(network.layers[each.operator], each) for each in scheme.updates]
    ends = np.cumsum([0, *counts]).tolist()
    self._numbers = dict(zip(self._wanted, ends))
    self._count = ends[-1]

  def step(self, which: np.ndarray, state: State, rate: float) -> dict[int, Parameters]:
    """The layers that an update changes."""
    network, loss = self._network, LOSSES[self._scheme.loss]
    trace = network.forward(self._train.boundary.chosen(which), state)
    _, gradient = loss(network.real(trace.logits), self._train.targets[which])
    gradient = (gradient * (network.logit_scale / len(which))).astype(np.float32)
    found = network.backward(trace, gradient, state, self._wanted)
    changed = {
      index: updated(
        network.layers[index],
        state[index],
        update,
        found[index],
        rate,
        self._scaling,
        self._chance,
        self._numbers[index],
      )
      for index, update in self._scheme.by_operator.items()
    }
    self._chance.advance(self._count)
    return changed


def _line(epoch: int, epochs: int, found: Judgement) -> str:
  accuracy = '' if found.accuracy is None else f', accuracy {100 * found.accuracy:.1f} %'
  return f'Epoch {epoch} of {epochs}: loss {found.loss:.3f}{accuracy}'
