# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How good a model is on held-out examples: in Keras, and as int8 in TFLM."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.graph.types import Model
from tflm_patch.quantization.exact import ExactNetwork
from tflm_patch.runtime import tflm
from tflm_patch.training.data.dataset import Dataset, Part, Task

_BATCH = 200
_REPORT_EVERY = 1000

Progress = Callable[[str], None]


def predictions(model: Any, dataset: Dataset, inputs: np.ndarray) -> np.ndarray:
  """float32[n, outputs] of a Keras model."""
  found = []
  for start in range(0, len(inputs), _BATCH):
    batch = dataset.to_model(inputs[start : start + _BATCH])
    # All batches have one size: another would be traced anew.
    whole = np.resize(batch, (min(_BATCH, len(inputs)), *batch.shape[1:]))
    found.append(np.asarray(model.predict_on_batch(whole))[: len(batch)])
  return np.concatenate(found)


def score(task: Task, predicted: np.ndarray, targets: np.ndarray) -> float:
  """Accuracy in per cent, or the mean absolute error."""
  if task is Task.CLASSIFICATION:
    return 100 * float(np.mean(predicted.argmax(axis=-1) == targets))
  return float(np.mean(np.abs(predicted - targets)))


def score_of(model: Any, dataset: Dataset, inputs: np.ndarray, targets: np.ndarray) -> float:
  """The score of a Keras model."""
  return score(dataset.task, predictions(model, dataset, inputs), targets)


@dataclasses.dataclass(frozen=True)
class Int8Score:
  """An int8 model on held-out examples.

  Attributes:
    score: Accuracy in per cent, or the mean absolute error.
    confusion: int[classes, classes]: rows are the true classes; empty for a regression.
    examples: How many.
    by: 'TFLM', or 'exact' where the interpreter does not exist: the same bytes in numpy.
  """

  score: float
  confusion: tuple[tuple[int, ...], ...]
  examples: int
  by: str


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
  main = original.main
  source, result = main.tensors[main.inputs[0]], main.tensors[main.outputs[0]]
  steps = quantized_inputs(dataset.to_model(part.inputs), source.quantization)
  try:
    tflm.require_wheel()
    raw, by = _in_tflm(converted, steps, progress), 'TFLM'
  except EnvironmentMissing:
    raw, by = _exactly(original, steps, progress), 'exact'
  quantization = result.quantization
  assert quantization is not None
  scale, zero = float(quantization.scale), int(quantization.zero_point)
  predicted = (raw.reshape(len(raw), -1).astype(np.float32) - zero) * scale
  confusion: tuple[tuple[int, ...], ...] = ()
  if dataset.task is Task.CLASSIFICATION:
    count = len(dataset.classes)
    pairs = part.targets * count + predicted.argmax(axis=-1)
    table = np.bincount(pairs, minlength=count * count).reshape(count, count)
    confusion = tuple(tuple(int(each) for each in row) for row in table)
  return Int8Score(score(dataset.task, predicted, part.targets), confusion, len(part), by)


def quantized_inputs(values: np.ndarray, quantization: Any) -> np.ndarray:
  """float32 as int8 of a scale and a zero point."""
  if quantization is None:
    raise TflmPatchError('the model has no int8 input')
  scaled = np.rint(values / np.float32(quantization.scale)) + quantization.zero_point
  return np.clip(scaled, -128, 127).astype(np.int8)


def _in_tflm(data: bytes, steps: np.ndarray, progress: Progress) -> np.ndarray:
  interpreter = tflm.Interpreter(data)
  found = []
  for number, each in enumerate(steps):
    if number % _REPORT_EVERY == 0:
      progress(f'Int8 in TFLM: example {number:,} of {len(steps):,}')
    found.append(np.array(interpreter.invoke([each[None]])[0][0]))
  return np.stack(found)


def _exactly(model: Model, steps: np.ndarray, progress: Progress) -> np.ndarray:
  network = ExactNetwork(model)
  found = []
  for start in range(0, len(steps), _BATCH):
    progress(f'Int8 exactly: example {start:,} of {len(steps):,}')
    found.append(network.run_bytes([steps[start : start + _BATCH]])[0])
  return np.concatenate(found)
