# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a training gave."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from tflm_patch.conversion.result import ConversionResult
from tflm_patch.errors import TflmPatchError
from tflm_patch.quantization.result import QuantizationResult
from tflm_patch.training.anomaly import Detector
from tflm_patch.training.checkpoint import EpochRow
from tflm_patch.training.data.dataset import Dataset, Scaling
from tflm_patch.training.evaluation import Int8Score
from tflm_patch.training.options import Budgets, TrainOptions

SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class TrainResult:
  """A trained, quantized, converted model and its figures.

  Attributes:
    model: The Keras model.
    name: Its spec's line, or the model's name.
    dataset: What it was trained on.
    options, budgets: How, and what it may take.
    history: The learning curve.
    float_score: Of the Keras model on all held-out examples: accuracy in per cent, or the
      mean absolute error.
    int8: Of the int8 model in TFLM.
    quantized, converted: The int8 model and the converted one.
    verified: Whether both gave the same bytes in TFLM; None where there is no interpreter.
    seconds, cpu_seconds: Used by the training, resumed runs added up.
    detector: Threshold and figures of an anomaly detector; None for other tasks.
    folder: Where files were written; None for nowhere.
  """

  model: Any
  name: str
  dataset: Dataset
  options: TrainOptions
  budgets: Budgets
  history: tuple[EpochRow, ...]
  float_score: float
  int8: Int8Score
  quantized: QuantizationResult
  converted: ConversionResult
  verified: bool | None
  seconds: float
  cpu_seconds: float
  detector: Detector | None = None
  folder: pathlib.Path | None = None

  @property
  def arena_total(self) -> int:
    """Bytes of arena of the converted model, on a target with 4-byte pointers."""
    return self.converted.converted_arena.total

  @property
  def file_bytes(self) -> int:
    """Of the converted file."""
    return self.converted.converted_bytes

  def missed(self) -> list[str]:
    """Budgets that the converted model does not meet, a sentence each."""
    found = []
    needed = self.converted.converted_arena.required
    for what, value, limit in (
      ('arena', needed, self.budgets.arena_bytes),
      ('file', self.file_bytes, self.budgets.flash_bytes),
    ):
      if limit is not None and value > limit:
        found.append(f'{what}: {value:,} bytes, {value - limit:,} more than {limit:,}')
    return found

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    options = dataclasses.asdict(self.options)
    return {
      'schema_version': SCHEMA_VERSION,
      'model': self.name,
      'task': self.dataset.task.value,
      'classes': list(self.dataset.classes),
      'input_shape': list(self.dataset.input_shape),
      'train_examples': len(self.dataset.train),
      'test_examples': len(self.dataset.test),
      'skipped': dict(self.dataset.skipped),
      'inputs_by': _scaling_json(self.dataset.inputs_by),
      'targets_by': _scaling_json(self.dataset.targets_by),
      'options': {**options, 'optimizer': self.options.optimizer.value},
      'budgets': dataclasses.asdict(self.budgets),
      'float_score': self.float_score,
      'int8_score': self.int8.score,
      'int8_by': self.int8.by.value,
      'confusion': [list(row) for row in self.int8.confusion],
      'anomaly': None if self.detector is None else self.detector.to_json(),
      'verified': self.verified,
      'arena_original': self.converted.original_arena.total,
      'arena_total': self.arena_total,
      'original_file_bytes': self.converted.original_bytes,
      'file_bytes': self.file_bytes,
      'macs': self.converted.converted_macs,
      'missed': self.missed(),
      'epochs': self.history[-1].epoch if self.history else 0,
      'seconds': round(self.seconds, 1),
      'cpu_seconds': round(self.cpu_seconds, 1),
      'history': [dataclasses.asdict(row) for row in self.history],
    }


def _scaling_json(scaling: Scaling | None) -> dict[str, list[float]] | None:
  if scaling is None:
    return None
  return {'offset': scaling.offset.tolist(), 'scale': scaling.scale.tolist()}


def require_budgets(result: TrainResult) -> None:
  """Raises TflmPatchError when the converted model does not meet its budgets."""
  missed = result.missed()
  if missed:
    raise TflmPatchError(f'the trained model does not meet its budgets: {"; ".join(missed)}')
