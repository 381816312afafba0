# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Differentiable search of widths as in MicroNets (arXiv 2010.11267), and of windows.

One network is trained together with its masks; the loss has a term for each limit that the
expected network exceeds: peak memory, weights, operations. The peak of a layer's maps is not
what a streamed network needs, so its limit is scaled by what the engine says of networks of
the space. The likeliest candidate is asked for, or the likeliest of its neighbours that fits.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.chance import rng_of
from tflm_patch.nas.masks.plan import MaskPlan, plain_costs, plan_masks
from tflm_patch.nas.space import Picks
from tflm_patch.nas.strategies.base import Problem
from tflm_patch.nas.strategies.drawing import Drawer
from tflm_patch.nas.trial import Trial
from tflm_patch.training import backend
from tflm_patch.training.loop import Diverged, Loop, compile_model

_FIRST_TEMPERATURE, _LAST_TEMPERATURE = 5.0, 0.5
_CALIBRATED = 8  # networks by chance, for the ratio of arena and peak


class Differentiable:
  """Trains a masked network for every candidate; another input, and another seed, each time.

  Args:
    problem: What is searched; with its examples.
    epochs: Of the masked network; 0 for three times those that judge a candidate.
    penalty: Weight of the costs' losses beside the cross-entropy.

  Raises:
    TflmPatchError: there are no examples, or the numbers mean nothing.
  """

  def __init__(self, problem: Problem, epochs: int = 0, penalty: float = 3.0) -> None:
    if problem.data is None or problem.needs is None:
      raise TflmPatchError('the strategy "differentiable" trains: it needs the examples')
    if epochs < 0 or penalty <= 0:
      raise TflmPatchError(f'{epochs} epochs and a penalty of {penalty}: give more than 0')
    self._problem, self._drawer = problem, Drawer(problem)
    self._epochs = epochs or 3 * problem.effort.epochs
    self._penalty = penalty
    inputs = range(len(problem.space.inputs))
    self._inputs = [k for k in inputs if problem.fits(problem.space.smallest(k))]

  def ask(self, rng: random.Random) -> list[Picks]:
    """One candidate; see `Strategy`."""
    found = None
    if self._inputs:
      plan = plan_masks(self._problem.space, rng.choice(self._inputs))
      if plan.choices:
        probabilities = self._learned(plan, rng.getrandbits(32))
        found = self._likely(plan, probabilities, rng)
    if found is None:
      found = self._drawer.by_chance(rng)
    return [] if found is None else [found]

  def tell(self, trials: Sequence[Trial]) -> None:
    """See `Strategy`: each training of masks is its own."""
    del trials

  def _likely(
    self, plan: MaskPlan, probabilities: Sequence[np.ndarray], rng: random.Random
  ) -> Picks | None:
    """The likeliest candidate; where it is too large or known, one drawn by likelihood."""
    space = self._problem.space
    first = [int(each.argmax()) for each in probabilities]
    asked = 0

    def propose() -> Picks:
      nonlocal asked
      asked += 1
      if asked == 1:
        return plan.candidate(space, first)
      options = [rng.choices(range(len(p)), weights=p.tolist())[0] for p in probabilities]
      return plan.candidate(space, options)

    return self._drawer.draw(propose, rng)

  def _learned(self, plan: MaskPlan, seed: int) -> list[np.ndarray]:
    """Probabilities of the options of each choice, after a training."""
    problem = self._problem
    assert problem.data is not None
    keras = backend.prepare(problem.effort.threads)
    from tflm_patch.nas.masks.network import masked_network  # loads Keras

    dataset = problem.data.divided(plan.spec.input_shape)
    options = dataclasses.replace(
      problem.effort.training,
      epochs=self._epochs,
      minutes=None,
      cpu_minutes=None,
      batch_size=problem.effort.batch_size,
      seed=seed,
      average=0.0,
      start_scale=1.0,
    )
    keras.utils.set_random_seed(seed)
    model, chooser = masked_network(plan, self._limits(plan, seed), self._penalty)
    compile_model(model, model, dataset, options)
    steps = self._epochs * -(-len(dataset.train) // options.batch_size)
    # What was learned until it diverged may be of use: every candidate is checked anyway.
    with contextlib.suppress(Diverged):
      Loop(model, dataset, options, {}, callbacks=[_anneal(chooser, seed, steps)]).run()
    found = [np.nan_to_num(each, nan=1.0) for each in chooser.probabilities()]
    del model, chooser
    keras.utils.clear_session(free_memory=False)
    gc.collect()
    return found

  def _limits(self, plan: MaskPlan, seed: int) -> Any:
    """Limits of the expected costs, from those of the objectives."""
    from tflm_patch.nas.masks.network import CostLimits  # loads Keras

    limit = self._problem.objectives.limit
    arena, flash = limit('arena'), limit('flash')
    ratio, overhead = self._calibrated(plan, seed)
    return CostLimits(
      peak=None if arena is None else arena * ratio,
      weights=None if flash is None else max(flash - overhead, flash / 10),
      macs=limit('macs'),
    )

  def _calibrated(self, plan: MaskPlan, seed: int) -> tuple[float, float]:
    """Layers' peak over exact arena, and file less weights, medians over networks by chance."""
    problem, rng = self._problem, rng_of('calibrated', seed)
    assert problem.needs is not None
    ratios, overheads = [], []
    for _ in range(_CALIBRATED):
      options = [rng.randrange(len(choice.values)) for choice in plan.choices]
      needs = problem.needs(plan.candidate(problem.space, options))
      peak, weights = plain_costs(plan, options)
      ratios.append(peak / needs.arena_required)
      overheads.append(needs.flash - weights)
    return float(np.median(ratios)), float(np.median(overheads))


def _anneal(chooser: Any, seed: int, steps: int) -> Any:
  """A callback that sets noise and temperature before every step."""
  import keras

  rng = np.random.default_rng(seed)

  class Anneal(keras.callbacks.Callback):
    """Falls from the first temperature to the last, by a factor each step."""

    done = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
      del batch, logs
      part = min(1.0, self.done / max(steps - 1, 1))
      ratio = _LAST_TEMPERATURE / _FIRST_TEMPERATURE
      chooser.prepare(rng, _FIRST_TEMPERATURE * ratio**part)
      self.done += 1

  return Anneal()
