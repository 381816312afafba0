# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From a model, samples and a memory to what a chip trains of it, and how well that learns."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model
from tflm_patch.on_device.instructions import DEFAULT_CPU, MARGIN, StepInstructions
from tflm_patch.on_device.memory import TrainingMemory, TrainingPlanner
from tflm_patch.on_device.options import TrainingOptions
from tflm_patch.on_device.scheme import Loss, Scheme
from tflm_patch.on_device.simulation.choices import Space
from tflm_patch.on_device.simulation.contributions import (
  Analysis,
  Contributions,
  contribution,
  fisher,
)
from tflm_patch.on_device.simulation.data import Samples, check, divided
from tflm_patch.on_device.simulation.head import replaced_head
from tflm_patch.on_device.simulation.learning import (
  Judgement,
  Learned,
  LearningOptions,
  Prepared,
  learn,
)
from tflm_patch.on_device.simulation.network import Network, State
from tflm_patch.on_device.simulation.search import (
  DEFAULT_SEARCH,
  Candidate,
  Memory,
  Search,
  SearchOptions,
  StepLimit,
)
from tflm_patch.on_device.simulation.threads import one_thread
from tflm_patch.on_device.simulation.updates import Scaling

Progress = Callable[[str], None]
_HELD_OUT = 0.25  # of the samples, to choose by
_RATES = (0.1, 0.3, 1.0, 3.0)  # times the rate to begin with
_HEAD_RATE = 5.0  # a last layer that is trained alone bears as many times the rate
_BRIEF = 0.25  # of the epochs, for what is only compared
_ANALYSED = 128  # samples, for Fisher information


@dataclasses.dataclass(frozen=True)
class AdaptOptions:
  """What is looked for, and how long.

  Attributes:
    memory: Bytes that a training step may take in all.
    classes: Of a new last layer; None keeps the model's.
    loss: What is made smaller.
    training: Of the chip.
    rate: Around which the learning rate is looked for, from a tenth to three times.
    epochs: How often the chip sees every sample.
    analysis: How contributions are found.
    finalists: Schemes that are simulated, of the most valuable.
    search: Of schemes.
    max_step: A training step may take so many inferences; None for 3, or what the smallest
      scheme takes.
    cpu: The core that these are counted for, see `instructions.known_cpus`.
    seed: Of order, rounding and splits.
  """

  memory: int
  classes: int | None = None
  loss: Loss = Loss.CROSS_ENTROPY
  training: TrainingOptions = dataclasses.field(default_factory=TrainingOptions)
  rate: float = 0.02
  epochs: int = 20
  analysis: Analysis = Analysis.FISHER
  finalists: int = 3
  search: SearchOptions = DEFAULT_SEARCH
  max_step: float | None = None
  cpu: str = DEFAULT_CPU
  seed: int = 1

  @property
  def on_chip(self) -> TrainingOptions:
    """How the chip trains, within the memory."""
    return dataclasses.replace(self.training, memory=self.memory)

  @property
  def learning(self) -> LearningOptions:
    """Of the whole training."""
    is_aware = self.training.quantization_aware
    return LearningOptions(
      rate=self.rate,
      epochs=self.epochs,
      accumulation=self.training.samples,
      scaling=Scaling.QUANTIZATION_AWARE if is_aware else Scaling.NONE,
      seed=self.seed,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Adaptation:
  """What was found.

  Attributes:
    model: The model, with a new last layer where there is one.
    network: It, simulated.
    scheme: What the chip trains.
    memory: Of a training step.
    instructions: Of a training step, predicted.
    rate: The learning rate.
    options: As given.
    learned: The simulated training, judged by samples that nothing was chosen by.
    head_alone: The same training of the last layer alone, with the best rate for it.
    candidates: Of the search, the most valuable first.
    seconds: What it took.
  """

  model: Model
  network: Network
  scheme: Scheme
  memory: TrainingMemory
  instructions: StepInstructions
  rate: float
  options: AdaptOptions
  learned: Learned
  head_alone: Judgement
  candidates: tuple[Candidate, ...]
  seconds: float


class Adapter:
  """Prepares a model for training on the chip.

  Args:
    model: int8, not converted.
    train: To learn from, and to choose by.
    options: What is looked for.
    progress: Gets lines of text.
    memory: Bytes of a scheme; the planner's when None.

  Raises:
    TflmPatchError: the model cannot be trained, or samples do not fit it.
  """

  def __init__(
    self,
    model: Model,
    train: Samples,
    options: AdaptOptions,
    progress: Progress = lambda text: None,
    memory: Memory | None = None,
  ) -> None:
    self.options, self._progress = options, progress
    _check_inputs(model, train)
    outputs = options.classes if options.classes is not None else Network(model).classes
    check(train, outputs, options.loss)
    has_new_head = options.classes is not None
    if has_new_head and options.loss is not Loss.CROSS_ENTROPY:
      raise TflmPatchError('a number of classes is for cross-entropy alone')
    self.model = replaced_head(model, outputs, train) if has_new_head else model
    self.network = Network(self.model)
    self.space = Space.of(self.network, options.loss, has_new_head)
    self.planner = TrainingPlanner(self.model, options.on_chip)
    bound = self.planner.lower_bound if memory is None else None
    step = StepLimit(self._inferences, options.max_step) if memory is None else None
    self.search = Search(self.space, memory or self._bytes, options.memory, bound, step)
    self._samples = train
    self._prepared: dict[int, tuple[Samples, dict[int, Prepared]]] = {}
    self._learned_from, self._chosen_by = divided(train, _HELD_OUT, options.seed)
    if not len(self._chosen_by):
      raise TflmPatchError('one sample a class is too few to choose by; give two or more of each')

  def prepared(self, samples: Samples, first: int) -> Prepared:
    """Samples behind the operators before `first`, which are computed once."""
    _, known = self._prepared.setdefault(id(samples), (samples, {}))
    if first not in known:
      nearest = max((each for each in known if each <= first), default=None)
      start = self.network.start(samples.inputs)
      boundary = start if nearest is None else known[nearest].boundary
      known[first] = Prepared(self.network.advance(boundary, first), samples.targets)
    return known[first]

  def _bytes(self, scheme: Scheme) -> int:
    return self.planner.memory(scheme).total

  def _inferences(self, scheme: Scheme) -> float:
    """How many inferences a step is, on the safe side."""
    return MARGIN * self.planner.instructions(scheme, self.options.cpu).ratio

  def candidates(self) -> list[Candidate]:
    """Schemes that fit, the most valuable first.

    Raises:
      TflmPatchError: none fits; says what is needed.
    """
    deepest = self.search.deepest()
    layers = self.space.layers
    first = layers[len(layers) - deepest]
    self._progress(f'Training the last layer alone; up to {deepest} of {len(layers)} layers fit')
    state = self._with_trained_head()
    self._progress('Looking at what each layer contributes')
    contributions = self._contributions(state, first)
    self._progress('Looking for schemes')
    return self.search.best(contributions, self.options.search)

  def _with_trained_head(self) -> State:
    layers = self.space.layers
    scheme = self.space.last_layers(1)
    parts = self._learned_from, self._chosen_by
    train, judged = (self.prepared(each, layers[-1]) for each in parts)
    return learn(self.network, scheme, train, judged, self._head_learning(), each_epoch=False).state

  def _head_learning(self) -> LearningOptions:
    return dataclasses.replace(self.options.learning, rate=_HEAD_RATE * self.options.rate)

  def _contributions(self, state: State, first: int) -> Contributions:
    if self.options.analysis is Analysis.FISHER:
      rng = np.random.default_rng(self.options.seed)
      which = rng.permutation(len(self._learned_from))[:_ANALYSED]
      with one_thread():
        return fisher(self.space, self._learned_from.chosen(which), state, first)
    return contribution(
      self.space,
      self._learned_from,
      self._chosen_by,
      state,
      first,
      self._brief(self.options.rate),
      self._progress,
    )

  def _brief(self, rate: float) -> LearningOptions:
    epochs = max(1, round(self.options.epochs * _BRIEF))
    return dataclasses.replace(self.options.learning, rate=rate, epochs=epochs)

  def chosen(self, candidates: list[Candidate]) -> tuple[Scheme, float]:
    """The scheme that learns best in a brief simulation, and the best learning rate for it."""
    scheme, best = candidates[0].scheme, -np.inf
    finalists = candidates[: self.options.finalists]
    for each in finalists if len(finalists) > 1 else []:
      score = self._score(each.scheme, self._brief(self.options.rate))
      self._progress(f'{len(each.scheme.updates)} layers, {each.memory:,} bytes: {score:.3f}')
      if score > best:
        scheme, best = each.scheme, score
    return scheme, self.best_rate(scheme)

  def best_rate(self, scheme: Scheme, times: float = 1.0) -> float:
    """Of a scheme, in brief simulations with a few rates.

    Args:
      scheme: What is trained.
      times: That of the options is tried times this.
    """
    scores = {
      rate: self._score(scheme, self._brief(rate))
      for rate in (self.options.rate * times * factor for factor in _RATES)
    }
    return max(scores, key=lambda rate: scores[rate])

  def _score(self, scheme: Scheme, options: LearningOptions) -> float:
    """Less loss is better: it tells more apart than the accuracy of few samples."""
    parts = self._learned_from, self._chosen_by
    train, judged = (self.prepared(each, scheme.first) for each in parts)
    return -learn(self.network, scheme, train, judged, options, each_epoch=False).last.loss

  def simulate(
    self, scheme: Scheme, rate: float, test: Samples, each_epoch: bool = True
  ) -> Learned:
    """The whole training, on all samples, judged by others, after every epoch or at the end."""
    train, judged = (self.prepared(each, scheme.first) for each in (self._samples, test))
    options = dataclasses.replace(self.options.learning, rate=rate)
    return learn(
      self.network, scheme, train, judged, options, each_epoch=each_epoch, progress=self._progress
    )


def _check_inputs(model: Model, samples: Samples) -> None:
  main = model.main
  wanted = main.tensors[main.inputs[0]].shape[1:]
  if samples.inputs.shape[1:] != wanted:
    raise TflmPatchError(
      f'samples are {list(samples.inputs.shape[1:])}; the model takes {list(wanted)}'
    )


def adapt(
  model: Model,
  train: Samples,
  test: Samples,
  options: AdaptOptions,
  progress: Progress = lambda text: None,
) -> Adaptation:
  """Chooses what a chip trains of a model, and simulates that.

  Args:
    model: int8, not converted.
    train: Samples to learn from; a part of them is held out to choose by.
    test: Samples to judge the result by; nothing is chosen by them.
    options: What is looked for.
    progress: Gets lines of text.

  Raises:
    TflmPatchError: the memory is too small, samples do not fit the model, or no layer can be
      trained; says which and why.
  """
  begin = time.monotonic()
  adapter = Adapter(model, train, options, progress)
  _check_inputs(model, test)
  check(test, adapter.network.classes, options.loss)
  candidates = adapter.candidates()
  scheme, rate = adapter.chosen(candidates)
  progress('Simulating the training')
  learned = adapter.simulate(scheme, rate, test)
  least = adapter.space.last_layers(1)
  alone = adapter.simulate(least, adapter.best_rate(least, _HEAD_RATE), test)
  return Adaptation(
    model=adapter.model,
    network=adapter.network,
    scheme=scheme,
    memory=adapter.planner.memory(scheme),
    instructions=adapter.planner.instructions(scheme, options.cpu),
    rate=rate,
    options=options,
    learned=learned,
    head_alone=alone.last,
    candidates=tuple(candidates),
    seconds=time.monotonic() - begin,
  )
