# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Sliding windows along one axis, and what they read."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TypeVar

import numpy as np

Range = tuple[int, int]  # first and last position, both included
Positions = TypeVar('Positions', int, np.ndarray)


@dataclasses.dataclass(frozen=True)
class AxisWindow:
  """A sliding window along one axis.

  Output position o reads the input positions (o * stride - pad + t * dilation) / up,
  rounded down, for t = 0 .. kernel - 1. `up` is above 1 where the map grows.
  """

  kernel: int = 1
  stride: int = 1
  dilation: int = 1
  pad: int = 0
  up: int = 1

  @property
  def reach(self) -> int:
    """Distance between the first and the last position read, times `up`."""
    return (self.kernel - 1) * self.dilation

  def reads(self, first: Positions, last: Positions) -> tuple[Positions, Positions]:
    """First and last input position that outputs first .. last read, not clamped."""
    low = first * self.stride - self.pad
    high = last * self.stride - self.pad + self.reach
    return low // self.up, high // self.up

  def transposed(self) -> AxisWindow:
    """How outputs read what spreads its inputs as this window would gather them.

    Input i reaches the outputs i * stride - pad .. i * stride - pad + kernel - 1.
    """
    return AxisWindow(
      self.kernel - self.stride + 1, 1, 1, self.kernel - self.stride - self.pad, self.stride
    )


CellWindow = tuple[AxisWindow, AxisWindow]  # rows and columns


def is_pointwise(window: CellWindow) -> bool:
  """Whether a cell is made from the same cell alone."""
  return all((along.kernel, along.stride, along.pad) == (1, 1, 0) for along in window)


def cut(size: int, parts: int) -> list[Range]:
  """Cuts `size` positions into parts that differ by one at most."""
  cuts = [size * i // parts for i in range(parts + 1)]
  return [(a, b - 1) for a, b in itertools.pairwise(cuts)]
