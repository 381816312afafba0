# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The moving average of weights (Polyak and Juditsky, 1992)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

_EVERY = 8  # steps between two updates: they cost a copy of all weights


class Average:
  """An exponential moving average of all weights, those of normalization too.

  Args:
    variables: The weights of a Keras model.
    decay: Of a step; 0 for no average.
  """

  def __init__(self, variables: Sequence[Any], decay: float) -> None:
    self._variables, self._decay = list(variables), decay
    self.values = [np.array(each) for each in self._now()] if decay else []

  def update(self, steps: int) -> None:
    """Takes a step in.

    Args:
      steps: Done since the beginning; the first ones weigh more than the decay says.
    """
    if not self._decay or steps % _EVERY:
      return
    decay = min(self._decay**_EVERY, steps / (steps + 10 * _EVERY))
    for kept, now in zip(self.values, self._now()):
      kept += np.asarray((1 - decay) * (now - kept), kept.dtype)

  @contextlib.contextmanager
  def in_place(self) -> Iterator[None]:
    """The model has the averaged weights meanwhile."""
    if not self._decay:
      yield
      return
    before = [np.array(each) for each in self._now()]
    assign(self._variables, self.values)
    try:
      yield
    finally:
      assign(self._variables, before)

  def keep(self) -> None:
    """The model gets the averaged weights."""
    if self._decay:
      assign(self._variables, self.values)

  def _now(self) -> list[np.ndarray]:
    return arrays(self._variables)


def arrays(variables: Sequence[Any]) -> list[np.ndarray]:
  """The values of variables."""
  from keras import ops

  return [np.asarray(ops.convert_to_numpy(each)) for each in variables]


def assign(variables: Sequence[Any], values: Sequence[np.ndarray]) -> None:
  """Sets variables."""
  for variable, value in zip(variables, values):
    variable.assign(value)
