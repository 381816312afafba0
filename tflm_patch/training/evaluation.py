# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How good a model is on held-out examples: in Keras, and as int8 in TFLM."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from tflm_patch.graph.types import Model
from tflm_patch.training.data.dataset import Dataset, Part, Task
from tflm_patch.training.detection.average_precision import mean_average_precision
from tflm_patch.training.detection.decode import decoded
from tflm_patch.training.int8_inference import Engine, available_engine, run_int8

_BATCH = 200
_CHUNK = 1000

Progress = Callable[[str], None]


def predictions(model: Any, dataset: Dataset, inputs: np.ndarray) -> np.ndarray:
  """float32[n, outputs] of a Keras model; [n, rows, columns, numbers] of a detector."""
  found = []
  for start in range(0, len(inputs), _BATCH):
    batch = dataset.to_model(inputs[start : start + _BATCH])
    # All batches have one size: another would be traced anew.
    whole = np.resize(batch, (min(_BATCH, len(inputs)), *batch.shape[1:]))
    found.append(np.asarray(model.predict_on_batch(whole))[: len(batch)])
  return np.concatenate(found)


def score(dataset: Dataset, predicted: np.ndarray, targets: np.ndarray) -> float:
  """Accuracy or mAP@0.5 in per cent, or the mean absolute error in the units of the targets."""
  if dataset.task is Task.DETECTION:
    return mean_average_precision(decoded(predicted), targets, len(dataset.classes))
  if dataset.task is Task.CLASSIFICATION:
    return 100 * float(np.mean(predicted.argmax(axis=-1) == targets))
  predicted = predicted.reshape(targets.shape)  # an autoencoder may give maps
  return float(np.mean(np.abs(dataset.from_model(predicted) - targets)))


def score_of(model: Any, dataset: Dataset, inputs: np.ndarray, targets: np.ndarray) -> float:
  """The score of a Keras model."""
  return score(dataset, predictions(model, dataset, inputs), targets)


@dataclasses.dataclass(frozen=True)
class Int8Score:
  """An int8 model on held-out examples.

  Attributes:
    score: Accuracy or mAP@0.5 in per cent, or the mean absolute error.
    confusion: int[classes, classes]: rows are the true classes; empty for other tasks.
    examples: How many.
    by: TFLM, or the exact forward pass, which gives the same bytes, where it does not exist.
  """

  score: float
  confusion: tuple[tuple[int, ...], ...]
  examples: int
  by: Engine


def int8_score(
  original: Model, converted: bytes, dataset: Dataset, part: Part, progress: Progress
) -> Int8Score:
  """Runs the converted model in the TFLM interpreter.

  Args:
    original: The int8 model before conversion, whose bytes are the same: it runs where the
      interpreter does not exist.
    converted: The file that TFLM runs.
    dataset: Says what the examples are.
    part: Of it.
    progress: Called with a line of text as the work proceeds.

  Raises:
    TflmPatchError: the model fails.
  """
  engine = available_engine()
  found = []
  for start in range(0, len(part), _CHUNK):
    progress(f'Int8 by {engine.value}: example {start:,} of {len(part):,}')
    samples = dataset.to_model(part.inputs[start : start + _CHUNK])
    found += run_int8(original, converted, [samples], engine)
  predicted = np.concatenate(found)
  if dataset.task is not Task.DETECTION:
    predicted = predicted.reshape(len(part), -1)
  confusion: tuple[tuple[int, ...], ...] = ()
  if dataset.task is Task.CLASSIFICATION:
    count = len(dataset.classes)
    pairs = part.targets * count + predicted.argmax(axis=-1)
    table = np.bincount(pairs, minlength=count * count).reshape(count, count)
    confusion = tuple(tuple(int(each) for each in row) for row in table)
  return Int8Score(score(dataset, predicted, part.targets), confusion, len(part), engine)
