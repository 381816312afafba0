# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Ranges of tensors from their values on samples."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from tflm_patch.quantization.options import QuantizeOptions, Ranges

_BINS = 4096


@dataclasses.dataclass(frozen=True)
class Range:
  """Smallest and largest value; 0 lies between."""

  low: float
  high: float

  @classmethod
  def of(cls, low: float, high: float) -> Range:
    """Stretched to hold 0."""
    return cls(min(low, 0.0), max(high, 0.0))

  def union(self, other: Range) -> Range:
    return Range(min(self.low, other.low), max(self.high, other.high))


class Observer(abc.ABC):
  """Sees the values of one tensor, batch by batch."""

  @abc.abstractmethod
  def see(self, ops: Any, values: Any) -> None:
    """Takes a batch in.

    Args:
      ops: The module `keras.ops`.
      values: A tensor of the backend.
    """

  @abc.abstractmethod
  def range(self) -> Range:
    """The range of what was seen."""


class MinMax(Observer):
  """Everything that was seen."""

  def __init__(self) -> None:
    self._low, self._high = np.inf, -np.inf

  def see(self, ops: Any, values: Any) -> None:
    low, high = extremes(ops, values)
    self._low, self._high = min(self._low, low), max(self._high, high)

  def range(self) -> Range:
    return Range.of(self._low, self._high)


class MovingAverage(Observer):
  """Averages of the extremes of batches, the last ones weighing most."""

  def __init__(self, momentum: float) -> None:
    self._momentum = momentum
    self._extremes: np.ndarray | None = None

  def see(self, ops: Any, values: Any) -> None:
    seen = np.array(extremes(ops, values))
    if self._extremes is None:
      self._extremes = seen
    else:
      self._extremes = self._momentum * self._extremes + (1 - self._momentum) * seen

  def range(self) -> Range:
    assert self._extremes is not None
    return Range.of(*self._extremes.tolist())


class Percentile(Observer):
  """Leaves the most extreme values out, by a histogram that grows by doubling."""

  def __init__(self, percentile: float) -> None:
    self._share = percentile / 100
    self._limit = 0.0  # the histogram spans -limit .. limit
    self._counts = np.zeros(_BINS, np.int64)

  def see(self, ops: Any, values: Any) -> None:
    low, high = extremes(ops, values)
    self._stretch(max(-low, high))
    array = np.asarray(ops.convert_to_numpy(values), np.float32).reshape(-1)
    self._counts += np.histogram(array, _BINS, (-self._limit, self._limit))[0]

  def _stretch(self, largest: float) -> None:
    if self._limit == 0:
      self._limit = largest or 1e-6
    while self._limit < largest:
      quarter = _BINS // 4
      halved = self._counts.reshape(-1, 2).sum(axis=1)
      self._counts = np.zeros(_BINS, np.int64)
      self._counts[quarter : _BINS - quarter] = halved
      self._limit *= 2

  def range(self) -> Range:
    total = int(self._counts.sum())
    outside = int((1 - self._share) * total)
    below = np.cumsum(self._counts)
    above = total - below
    first = int(np.searchsorted(below, outside, side='right'))
    last = int(np.argmax(above <= outside))
    edges = np.linspace(-self._limit, self._limit, _BINS + 1)
    return Range.of(float(edges[first]), float(edges[last + 1]))


def extremes(ops: Any, values: Any) -> tuple[float, float]:
  """Smallest and largest value."""
  return float(ops.min(values)), float(ops.max(values))


def observers(options: QuantizeOptions) -> Callable[[], Observer]:
  """Makes observers of the kind that the options ask for."""
  return {
    Ranges.MIN_MAX: MinMax,
    Ranges.MOVING_AVERAGE: lambda: MovingAverage(options.momentum),
    Ranges.PERCENTILE: lambda: Percentile(options.percentile),
  }[options.ranges]
