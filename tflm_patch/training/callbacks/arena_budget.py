# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`ArenaBudget`: what the model will need, while it is trained."""

from __future__ import annotations

import os
from typing import Any

import keras

from tflm_patch.conversion.fit_types import Fit
from tflm_patch.conversion.options import DEFAULT_OPTIONS, ConvertOptions
from tflm_patch.errors import TflmPatchError
from tflm_patch.quantization.capture import capture
from tflm_patch.targets import Target
from tflm_patch.training.aware_models import original_of
from tflm_patch.training.limits import Limits
from tflm_patch.training.measure import footprint, signature

ACTIONS = ('warn', 'stop')


class BudgetExceeded(TflmPatchError):
  """A model needs more than it may; says by how much, and what needs it."""


class ArenaBudget(keras.callbacks.Callback):
  """Tells what a model needs as int8 model before it is trained, and watches its budget.

  `logs` get `arena_bytes` (as TFLM reports it after `convert`), `flash_bytes` (the converted
  file), `macs` and, where they can be predicted, `instructions`. They follow from the
  structure alone, and are worked out anew whenever it changes.

  Args:
    arena: Bytes of arena that the model may take; None for any number.
    flash: Bytes of the converted file.
    macs: Multiply-accumulates of an inference.
    instructions: Of an inference, predicted for the target's core, a Cortex-M4 without one.
    target: A chip, whose arena and flash are the limits that are not given.
    action: What happens when the budget is exceeded: 'warn' prints a line, 'stop' raises
      `BudgetExceeded` before the first epoch, and ends a training in which the structure
      changes after the epoch.
    convert: Of the conversion, like bands of rows as input.

  Attributes:
    fit: What the model needs; None before the training begins.
  """

  def __init__(
    self,
    arena: int | None = None,
    flash: int | None = None,
    macs: int | None = None,
    instructions: int | None = None,
    target: Target | str | os.PathLike[str] | None = None,
    action: str = 'warn',
    convert: ConvertOptions = DEFAULT_OPTIONS,
  ) -> None:
    super().__init__()
    if action not in ACTIONS:
      raise TflmPatchError(f'action "{action}" is not known; use {" or ".join(ACTIONS)}')
    self.limits = Limits.of(arena, flash, macs, instructions, target)
    self.action = action
    self._convert = convert
    self.fit: Fit | None = None
    self._signature: tuple[Any, ...] | None = None

  def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
    """Judges the model, even if it was judged in a training before."""
    del logs
    self._signature = None
    problem = self._judge()
    if problem and self.action == 'stop':
      raise BudgetExceeded(problem)
    if problem:
      print(problem)

  def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
    del epoch, logs
    problem = self._judge()
    if problem:
      print(problem)
      self.model.stop_training = self.action == 'stop'

  def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
    """Adds the figures to `logs`."""
    del epoch
    if logs is not None and self.fit is not None:
      logs.update(figures(self.fit))

  def _judge(self) -> str:
    """Measures a structure that is new; what is wrong with it, '' for nothing."""
    network = capture(original_of(self.model))
    found = signature(network)
    if found == self._signature:
      return ''
    self.fit = footprint(network, self.limits.cpu, self._convert)
    self._signature = found
    return _problem(self.model.name, self.fit, self.limits)


def figures(fit: Fit) -> dict[str, int]:
  """What is logged."""
  found = {'arena_bytes': fit.arena, 'flash_bytes': fit.flash, 'macs': fit.macs}
  if fit.instructions is not None:
    found['instructions'] = fit.instructions
  return found


def _problem(name: str, fit: Fit, limits: Limits) -> str:
  excesses = limits.excesses(fit)
  if not excesses:
    return ''
  what = '; '.join(map(str, excesses))
  bound = f'; the arena is bound by {fit.bound_by}' if excesses[0].what == 'arena' else ''
  return f'{name}: {what}{bound}'
