# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What is trained on."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping

import numpy as np


class Task(enum.Enum):
  """What is learned."""

  CLASSIFICATION = 'classification'
  REGRESSION = 'regression'


@dataclasses.dataclass(frozen=True)
class Part:
  """Examples.

  Attributes:
    inputs: uint8[n, rows, columns, channels] of images, float32[n, ...] of series.
    targets: int64[n], the numbers of classes; float32[n, outputs] of a regression.
  """

  inputs: np.ndarray
  targets: np.ndarray

  def __len__(self) -> int:
    return len(self.targets)


@dataclasses.dataclass(frozen=True)
class Dataset:
  """Examples to train with, and others that are held out.

  Attributes:
    train, test: The held-out part is only measured on: nothing is chosen by it.
    classes: Their names; empty for a regression.
    skipped: How many files were left out, by reason.
  """

  train: Part
  test: Part
  classes: tuple[str, ...]
  skipped: Mapping[str, int] = dataclasses.field(default_factory=dict)

  @property
  def task(self) -> Task:
    return Task.CLASSIFICATION if self.classes else Task.REGRESSION

  @property
  def is_images(self) -> bool:
    """Whether inputs are pixels, 0 to 255."""
    return self.train.inputs.dtype == np.uint8

  @property
  def input_shape(self) -> tuple[int, ...]:
    return tuple(self.train.inputs.shape[1:])

  def to_model(self, inputs: np.ndarray) -> np.ndarray:
    """Inputs as float32, as the network takes them.

    A pixel p becomes (p - 128) / 128: int8 inputs are then p - 128, without rounding.
    """
    if not self.is_images:
      return np.asarray(inputs, np.float32)
    return (inputs.astype(np.float32) - 128) / 128
