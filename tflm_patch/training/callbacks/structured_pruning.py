# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`StructuredPruning`: channels go, step by step, until the model keeps its budget."""

from __future__ import annotations

import os
from typing import Any

import keras

from tflm_patch.errors import TflmPatchError
from tflm_patch.targets import Target
from tflm_patch.training.aware_models import original_of
from tflm_patch.training.channels.model_channels import ModelChannels
from tflm_patch.training.channels.rebuild import without
from tflm_patch.training.clone import compiled_like
from tflm_patch.training.limits import Limits
from tflm_patch.training.pruning.masks import Masks
from tflm_patch.training.pruning.plan import PruningPlan, plan_pruning, weakest_first


class StructuredPruning(keras.callbacks.Callback):
  """Prunes channels while a model is trained, where that makes the planner's figures smaller.

  When the training begins the planner says how many channels of each layer have to go for
  the model to keep its limits: from where an arena, a file or an inference gets smaller the
  most for the norm that is lost. Channels of layers that are added, multiplied, or read by
  depthwise convolutions go together.

  From epoch `begin` to epoch `end` they are masked, those with the smallest filters first
  (Euclidean norm, times the scale of the batch normalization after them). Of what has to go

    s(t) = s_f + (s_i - s_f) * (1 - (t - t0) / n)^3,  s_i = 0, s_f = 1,

  is masked at time t, with t0 = `begin` and n = `end` - `begin` in epochs (Zhu and Gupta, "To
  prune, or not to prune", arXiv 1710.01878, equation 1). Gradients of the masked network
  reach the dense weights (arXiv 2006.07253), so that channels can come back until `end`.

  `pruned_model` is a new, smaller Keras model, whose outputs are those of the masked one.
  To prune in steps, fit, prune and go on with `pruned_model`. `logs` get `pruned_channels`.

  Args:
    arena, flash, macs, instructions, target: Limits, as for `ArenaBudget`; at least one.
    begin, end: Epochs; the last ones after `end` train what is left.
    every: Batches between looks at which channels are the smallest.
    least: Channels that stay in every layer.

  Attributes:
    plan: What goes; None before the training begins.
  """

  def __init__(
    self,
    arena: int | None = None,
    flash: int | None = None,
    macs: int | None = None,
    instructions: int | None = None,
    target: Target | str | os.PathLike[str] | None = None,
    begin: float = 0,
    end: float = 10,
    every: int = 16,
    least: int = 1,
  ) -> None:
    super().__init__()
    self.limits = Limits.of(arena, flash, macs, instructions, target)
    if not self.limits.any:
      raise TflmPatchError('StructuredPruning has no limit; give arena, flash, macs or a target')
    if not 0 <= begin < end:
      raise TflmPatchError(f'pruning from epoch {begin:g} to {end:g} is not possible')
    if every < 1 or least < 1:
      raise TflmPatchError('every and least are at least 1')
    self.begin = begin
    self.end = end
    self.every = every
    self.least = least
    self.plan: PruningPlan | None = None
    self._epoch = 0

  def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
    """Plans what goes.

    Raises:
      TflmPatchError: the limits cannot be kept, or a layer is not supported.
    """
    del logs
    self._channels = ModelChannels(original_of(self.model))
    self._masks = Masks(self._channels)
    self._gone: set[int] = set()
    self.plan = plan_pruning(self._channels, self.limits, least=self.least)

  def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
    del logs
    self._epoch = epoch

  def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
    """Masks what the optimizer has changed, and looks anew from time to time."""
    del logs
    steps = self.params.get('steps')
    now = self._epoch + ((batch + 1) / steps if steps else 0.0)
    if now <= self.begin:
      return
    model = original_of(self.model)  # under JAX its weights are up to date from here on
    if self._gone:
      self._masks.follow()
    before = self._epoch + batch / steps if steps else 0.0
    if before < self.end and ((batch + 1) % self.every == 0 or now >= self.end):
      self._look(model, self._share(now))

  def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
    """Adds the number of masked channels to `logs`."""
    if self.begin < epoch + 1 and epoch < self.end:
      self._look(original_of(self.model), self._share(epoch + 1))
    if logs is not None:
      logs['pruned_channels'] = len(self._gone)

  def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
    """Masks whatever has to go and has not yet."""
    del logs
    assert self.plan is not None
    missing = sum(self.plan.counts) - len(self._gone)
    if missing:
      print(f'training ended before epoch {self.end:g}: the last {missing} channels go at once')
      self._look(original_of(self.model), 1.0)

  @property
  def pruned_model(self) -> Any:
    """A new model without the masked channels, compiled as the trained one was.

    Raises:
      TflmPatchError: no training has begun.
    """
    if self.plan is None:
      raise TflmPatchError('nothing is pruned yet; call fit with this callback first')
    model = original_of(self.model)
    return compiled_like(without(model, self._channels, self._gone), model)

  def _share(self, now: float) -> float:
    """The part of what has to go that is gone, by the cubic schedule."""
    done = min(max((now - self.begin) / (self.end - self.begin), 0.0), 1.0)
    return 1 - (1 - done) ** 3

  def _look(self, model: Any, share: float) -> None:
    """Masks the smallest channels of now."""
    assert self.plan is not None
    self._masks.restore()
    order = weakest_first(ModelChannels(model))
    self._gone = {
      atom for atoms, k in zip(order, self.plan.counts) for atom in atoms[: round(share * k)]
    }
    self._masks.apply(self._gone)
