# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The error of an int8 autoencoder, as integers, and the threshold that tells anomalies.

A value x of the input and y of the output stand for (x - x0) * sx and (y - y0) * sy. With whole
numbers mx : my as sx : sy, the larger of them 2^14, the error of an example is

  sum over all values of ((x - x0) * mx - (y - y0) * my)^2

which any core computes exactly: a difference has less than 24 bits, and a sum of fewer than
2^17 squares less than 64. A mean squared error, in units of the standardized input, is the sum
times (the larger scale / 2^14)^2 over the number of values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import DType, Model, Tensor
from tflm_patch.training.data.dataset import Dataset, Part, Task
from tflm_patch.training.int8_inference import available_engine, run_int8, to_steps

_UNIT = 1 << 14
_MOST_VALUES = 1 << 17
_CHUNK = 1000

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class ReconstructionError:
  """How far an int8 output is from its input.

  Attributes:
    values: Of an input, and of an output.
    input_factor, output_factor: mx and my.
    input_zero_point, output_zero_point: x0 and y0.
    unit: Mean squared error of a sum of 1.
  """

  values: int
  input_factor: int
  output_factor: int
  input_zero_point: int
  output_zero_point: int
  unit: float

  @classmethod
  def of(cls, source: Tensor, target: Tensor) -> ReconstructionError:
    """Of a model's input and output.

    Raises:
      TflmPatchError: they are not int8, or not equally large.
    """
    count = int(np.prod(source.shape))
    if not source.dtype == target.dtype == DType.INT8:
      raise TflmPatchError('the error of an autoencoder is that of int8 inputs and outputs')
    if count != int(np.prod(target.shape)) or count >= _MOST_VALUES:
      raise TflmPatchError(
        f'the output {list(target.shape)} is not as large as the input {list(source.shape)}, or '
        f'has {_MOST_VALUES:,} values or more'
      )
    assert source.quantization is not None and target.quantization is not None
    scales = source.quantization.scale, target.quantization.scale
    input_factor, output_factor = (round(scale / max(scales) * _UNIT) for scale in scales)
    return cls(
      count,
      input_factor,
      output_factor,
      source.quantization.zero_point,
      target.quantization.zero_point,
      (max(scales) / _UNIT) ** 2 / count,
    )

  def sums(self, inputs: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    """uint64[n] of int8[n, ...]: what the C function computes."""
    x, y = (each.reshape(len(each), -1).astype(np.int64) for each in (inputs, outputs))
    differences = (x - self.input_zero_point) * self.input_factor
    differences -= (y - self.output_zero_point) * self.output_factor
    return (differences * differences).sum(axis=1).astype(np.uint64)


@dataclasses.dataclass(frozen=True)
class Detector:
  """A threshold, and how it does on held-out examples.

  Attributes:
    error: How errors are computed.
    threshold: A sum above it is an anomaly.
    quantile: Of the normal errors that the threshold was chosen by.
    false_alarms: Part of the held-out normal examples above the threshold.
    normal, anomalous: How many were measured on.
    auc: Area under the ROC curve, 0.5 for chance; None without anomalies, as what follows.
    precision, recall, f1: At the threshold.
  """

  error: ReconstructionError
  threshold: int
  quantile: float
  false_alarms: float
  normal: int
  anomalous: int
  auc: float | None = None
  precision: float | None = None
  recall: float | None = None
  f1: float | None = None

  @property
  def threshold_error(self) -> float:
    """The threshold as a mean squared error of the standardized values."""
    return self.threshold * self.error.unit

  def to_json(self) -> dict[str, Any]:
    """For machines."""
    return {**dataclasses.asdict(self), 'threshold_error': self.threshold_error}


def detector_of(
  original: Model, converted: bytes, dataset: Dataset, progress: Progress
) -> Detector | None:
  """Chooses the threshold of a model by normal examples and measures it on others.

  Args:
    original: The int8 model before conversion.
    converted: The file that TFLM runs.
    dataset: With its anomalies.
    progress: Called with a line of text as the work proceeds.

  Returns:
    None for datasets of other tasks.

  Raises:
    TflmPatchError: the model gives no int8 values like its input.
  """
  anomalies = dataset.anomalies
  if dataset.task is not Task.ANOMALY or anomalies is None:
    return None
  main = original.main
  source, target = main.tensors[main.inputs[0]], main.tensors[main.outputs[0]]
  error = ReconstructionError.of(source, target)
  engine = available_engine()

  def errors(part: Part, what: str) -> np.ndarray:
    found = []
    for start in range(0, len(part), _CHUNK):
      progress(f'Errors of {what} examples: {start:,} of {len(part):,}')
      samples = dataset.to_model(part.inputs[start : start + _CHUNK])
      (outputs,) = run_int8(original, converted, [samples], engine)
      found.append(error.sums(to_steps(samples, source), to_steps(outputs, target)))
    return np.concatenate(found)

  chosen_by = np.sort(errors(anomalies.normal, 'normal'))
  place = int(np.ceil(anomalies.quantile * len(chosen_by))) - 1
  threshold = int(chosen_by[max(place, 0)])
  normal = errors(dataset.test, 'held-out')
  detector = Detector(
    error,
    threshold,
    anomalies.quantile,
    float(np.mean(normal > threshold)),
    len(normal),
    0 if anomalies.anomalous is None else len(anomalies.anomalous),
  )
  if anomalies.anomalous is None:
    return detector
  others = errors(anomalies.anomalous, 'anomalous')
  precision, recall, f1 = _rates(normal, others, threshold)
  return dataclasses.replace(
    detector, auc=auc(normal, others), precision=precision, recall=recall, f1=f1
  )


def auc(normal: np.ndarray, anomalous: np.ndarray) -> float:
  """Part of the pairs in which the anomaly has the larger error; equal ones count half."""
  ordered = np.sort(normal)
  below = np.searchsorted(ordered, anomalous, 'left').astype(np.float64)
  not_above = np.searchsorted(ordered, anomalous, 'right')
  return float(np.mean(below + not_above) / (2 * len(normal)))


def _rates(normal: np.ndarray, anomalous: np.ndarray, threshold: int) -> tuple[float, float, float]:
  """Precision, recall and their harmonic mean, F1."""
  found, alarms = int(np.sum(anomalous > threshold)), int(np.sum(normal > threshold))
  missed = len(anomalous) - found
  return (
    found / max(found + alarms, 1),
    found / len(anomalous),
    2 * found / max(2 * found + alarms + missed, 1),
  )
