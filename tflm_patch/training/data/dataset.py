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
  DETECTION = 'detection'
  ANOMALY = 'anomaly'

  @property
  def measure(self) -> str:
    """What a score is."""
    return _MEASURES[self]

  @property
  def more_is_better(self) -> bool:
    """Whether a score is a share in per cent; else it is an error."""
    return self not in (Task.REGRESSION, Task.ANOMALY)

  def text(self, score: float) -> str:
    """A score with its unit."""
    return f'{score:.2f} %' if self.more_is_better else f'{score:.4g}'


_MEASURES = {
  Task.CLASSIFICATION: 'accuracy',
  Task.REGRESSION: 'mean absolute error',
  Task.DETECTION: 'mAP@0.5',
  Task.ANOMALY: 'mean absolute error of the reconstruction',
}


@dataclasses.dataclass(frozen=True)
class Part:
  """Examples.

  Attributes:
    inputs: uint8[n, rows, columns, channels] of images, float32[n, steps, 1, channels] of
      series.
    targets: int64[n], the numbers of classes; float32[n, outputs] of a regression;
      float32[n, most, 5] of boxes, as `tflm_patch.training.detection.boxes` has them; of an
      anomaly detector the inputs themselves, float32[n, values].
  """

  inputs: np.ndarray
  targets: np.ndarray

  def __len__(self) -> int:
    return len(self.targets)


@dataclasses.dataclass(frozen=True)
class Scaling:
  """What values are standardized by: (value - offset) / scale.

  Attributes:
    offset, scale: float32[channels].
  """

  offset: np.ndarray
  scale: np.ndarray

  @classmethod
  def of(cls, values: np.ndarray) -> Scaling:
    """By mean and standard deviation of every channel, the last dimension."""
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    deviation = flat.std(axis=0)
    return cls(
      flat.mean(axis=0).astype(np.float32),
      np.where(deviation > 0, deviation, 1.0).astype(np.float32),
    )

  def apply(self, values: np.ndarray) -> np.ndarray:
    return (np.asarray(values, np.float32) - self.offset) / self.scale

  def undo(self, values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32) * self.scale + self.offset


PIXELS = Scaling(np.full(1, 128, np.float32), np.full(1, 128, np.float32))


@dataclasses.dataclass(frozen=True)
class Anomalies:
  """What an anomaly detector is judged by, beside the held-out normal examples.

  Attributes:
    normal: More held-out normal examples: the threshold is chosen by their errors.
    anomalous: Examples that are none; None where there are no labels, or no such examples.
    quantile: Part of the normal errors that lie at or below the threshold.
  """

  normal: Part
  anomalous: Part | None
  quantile: float


@dataclasses.dataclass(frozen=True)
class Dataset:
  """Examples to train with, and others that are held out.

  Attributes:
    train, test: The held-out part is only measured on: nothing is chosen by it.
    classes: Their names; empty for a regression.
    skipped: How many files were left out, by reason.
    inputs_by: What inputs are standardized by. A pixel p becomes (p - 128) / 128: int8
      inputs are then p - 128, without rounding.
    targets_by: The same for the targets of a regression.
    anomalies: Of an anomaly detector, which is to give out its input; None for other tasks.
  """

  train: Part
  test: Part
  classes: tuple[str, ...]
  skipped: Mapping[str, int] = dataclasses.field(default_factory=dict)
  inputs_by: Scaling = PIXELS
  targets_by: Scaling | None = None
  anomalies: Anomalies | None = None

  @property
  def task(self) -> Task:
    if self.anomalies is not None:
      return Task.ANOMALY
    if self.train.targets.ndim == 3:
      return Task.DETECTION
    return Task.CLASSIFICATION if self.classes else Task.REGRESSION

  @property
  def is_images(self) -> bool:
    """Whether inputs are pixels, 0 to 255."""
    return self.train.inputs.dtype == np.uint8

  @property
  def input_shape(self) -> tuple[int, ...]:
    return tuple(self.train.inputs.shape[1:])

  @property
  def outputs(self) -> int:
    """How many values the network gives; of a detector the number of classes."""
    return len(self.classes) or int(self.train.targets.shape[1])

  def to_model(self, inputs: np.ndarray) -> np.ndarray:
    """Inputs as float32, as the network takes them."""
    return self.inputs_by.apply(inputs)

  def targets_to_model(self, targets: np.ndarray) -> np.ndarray:
    """Targets as float32[n, outputs], or boxes, as the loss takes them."""
    if self.task is Task.CLASSIFICATION:
      return np.eye(len(self.classes), dtype=np.float32)[targets]
    return targets if self.targets_by is None else self.targets_by.apply(targets)

  def from_model(self, outputs: np.ndarray) -> np.ndarray:
    """What the network gives, in the units of the targets."""
    return outputs if self.targets_by is None else self.targets_by.undo(outputs)
