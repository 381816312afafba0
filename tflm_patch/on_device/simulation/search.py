# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which scheme is worth the most within a memory.

For some numbers of trained layers, weights are added by value a byte while the memory holds
them (a knapsack); then ratios are changed at random, and what is worth more and fits is kept.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.on_device.scheme import Scheme
from tflm_patch.on_device.simulation.choices import Choice, Space
from tflm_patch.on_device.simulation.contributions import Contributions

Memory = Callable[[Scheme], int]  # bytes of a training step
MOST_STEP = 3.0  # inferences that a step may take where nothing is asked for

_BYTES_A_PARAMETER = 5  # a weight and a sum of gradients; only to rank by


@dataclasses.dataclass(frozen=True)
class SearchOptions:
  """How long is searched.

  Attributes:
    depths: At most so many numbers of layers are tried.
    rounds: Random changes of the best choice of each.
    seed: Of them.
  """

  depths: int = 6
  rounds: int = 24
  seed: int = 1


DEFAULT_SEARCH = SearchOptions()


@dataclasses.dataclass(frozen=True)
class Candidate:
  """A scheme that fits.

  Attributes:
    choice: As a point of the space.
    scheme: What is trained.
    value: By contributions.
    memory: Bytes of a training step.
  """

  choice: Choice
  scheme: Scheme
  value: float
  memory: int


@dataclasses.dataclass(frozen=True)
class StepLimit:
  """How long a training step may take.

  Attributes:
    inferences: Of a scheme: how many inferences a step is.
    most: At most so many; None for `MOST_STEP`, or what the smallest scheme takes.
  """

  inferences: Callable[[Scheme], float]
  most: float | None = None


class Search:
  """Looks for schemes.

  Args:
    space: Schemes.
    memory: Bytes of one.
    limit: How many bytes there are.
    bound: What the memory is hardly ever above, sooner known; the memory itself when None.
    step: How long a training step may take; None for any time.
  """

  def __init__(
    self,
    space: Space,
    memory: Memory,
    limit: int,
    bound: Memory | None = None,
    step: StepLimit | None = None,
  ) -> None:
    self._space, self._memory, self._limit = space, memory, limit
    self._bound, self._step = bound or memory, step
    self._most_step = math.inf
    self._known: dict[object, int] = {}
    self._fitting: dict[object, bool] = {}

  def bytes_of(self, choice: Choice) -> int:
    """Of a training step."""
    key = choice.key()
    if key not in self._known:
      self._known[key] = self._memory(self._space.scheme(choice))
    return self._known[key]

  def fits(self, choice: Choice) -> bool:
    """Whether the memory holds a choice, by the bound, and its step is not too long."""
    key = choice.key()
    if key not in self._fitting:
      scheme = self._space.scheme(choice)
      fits = self._bound(scheme) <= self._limit
      self._fitting[key] = fits and self._inferences(scheme) <= self._most_step
    return self._fitting[key]

  def _inferences(self, scheme: Scheme) -> float:
    return 0.0 if self._step is None else self._step.inferences(scheme)

  def _check_least(self) -> None:
    """Whether the smallest scheme fits; what a step may take is known then."""
    least, scheme = self.bytes_of(Choice(1, {})), self._space.least()
    what = 'the new last layer' if self._space.has_new_head else "the last layer's biases"
    if least > self._limit:
      raise TflmPatchError(
        f'{self._limit:,} bytes are too few to train: the least are {least:,} bytes, which train '
        f'{what} alone'
      )
    if self._step is None:
      return
    shortest, most = self._inferences(scheme), self._step.most
    if most is not None and shortest > most:
      raise TflmPatchError(
        f'a training step cannot be as short as {most:g} inferences: the least takes '
        f'{shortest:.2f}, which trains {what} alone; give --max-step {shortest + 0.005:.2f} or more'
      )
    self._most_step = max(MOST_STEP, shortest) if most is None else most

  def deepest(self) -> int:
    """How many layers' biases can be trained at most.

    Raises:
      TflmPatchError: not even the smallest scheme fits; says what it needs.
    """
    self._check_least()
    return max(
      last
      for last in range(1, len(self._space.layers) + 1)
      if last == 1 or self.fits(Choice(last, {}))
    )

  def whole_layers(self) -> Scheme:
    """As many whole layers from the end as fit; the smallest scheme where not one does."""
    found = self._space.least()
    for count in range(1, len(self._space.layers) + 1):
      scheme = self._space.last_layers(count)
      if self._memory(scheme) > self._limit:
        break
      found = scheme
    return found

  def best(
    self, contributions: Contributions, options: SearchOptions = DEFAULT_SEARCH
  ) -> list[Candidate]:
    """The best of every depth, the most valuable first."""
    deepest = self.deepest()
    depths = np.unique(np.linspace(1, deepest, min(options.depths, deepest)).round().astype(int))
    rng = np.random.default_rng(options.seed)
    found = []
    for last in depths.tolist():
      choice = Choice(last, {})
      if not self.fits(choice):
        continue
      choice = self._evolved(self._filled(choice, contributions), contributions, options, rng)
      choice = self._exactly(choice, contributions)
      if self.bytes_of(choice) > self._limit:
        continue
      value = contributions.value(self._space, last, choice.ratios)
      scheme = self._space.scheme(choice)
      found.append(Candidate(choice, scheme, value, self.bytes_of(choice)))
    return sorted(found, key=lambda each: -each.value)

  def _exactly(self, choice: Choice, contributions: Contributions) -> Choice:
    """Without the weights that are worth the least, as far as the memory itself asks for it."""
    while choice.ratios and self.bytes_of(choice) > self._limit:
      ratios = dict(choice.ratios)
      del ratios[min(ratios, key=lambda index: contributions.weights[index, ratios[index]])]
      choice = Choice(choice.last, ratios)
    return choice

  def _weighted(self, choice: Choice) -> list[int]:
    """Layers whose weights a choice may train."""
    chosen = self._space.layers[len(self._space.layers) - choice.last :]
    return [k for k in chosen if not (self._space.has_new_head and k == self._space.layers[-1])]

  def _filled(self, choice: Choice, contributions: Contributions) -> Choice:
    """With weights, those worth the most a byte first."""
    items = [(index, ratio) for index in self._weighted(choice) for ratio in self._space.ratios]

    def density(item: tuple[int, float]) -> float:
      layer = self._space.network.layers[item[0]]
      cells = layer.view.input().elements // layer.view.input().shape[-1]
      size = item[1] * (_BYTES_A_PARAMETER * layer.initial.weights.size + cells * layer.channels)
      return -contributions.weights[item] / size

    for index, ratio in sorted(items, key=density):
      if contributions.weights[index, ratio] <= 0 or choice.ratios.get(index, 0.0) >= ratio:
        continue
      more = Choice(choice.last, {**choice.ratios, index: ratio})
      if self.fits(more):
        choice = more
    return choice

  def _evolved(
    self,
    choice: Choice,
    contributions: Contributions,
    options: SearchOptions,
    rng: np.random.Generator,
  ) -> Choice:
    """After random changes of ratios, of which those are kept that are worth more."""
    layers = self._weighted(choice)
    if not layers:
      return choice
    best = contributions.value(self._space, choice.last, choice.ratios)
    for _ in range(options.rounds):
      ratios = dict(choice.ratios)
      for index in rng.choice(layers, size=min(2, len(layers)), replace=False).tolist():
        ratios[index] = float(rng.choice((0.0, *self._space.ratios)))
      other = Choice(choice.last, {k: ratio for k, ratio in ratios.items() if ratio > 0})
      value = contributions.value(self._space, choice.last, other.ratios)
      if value > best and self.fits(other):
        choice, best = other, value
    return choice
