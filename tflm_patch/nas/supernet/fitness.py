# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How accurate networks are with the weights that they inherit from a supernet."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from tflm_patch.architecture.spec import Spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.supernet.calibration import EXAMPLES, calibration_samples
from tflm_patch.nas.supernet.supernet import Supernet
from tflm_patch.quantization import quantize
from tflm_patch.training.data.dataset import Dataset, Part, Scaling, Task
from tflm_patch.training.evaluation import int8_score, score
from tflm_patch.training.inheritance import Teacher
from tflm_patch.training.resolution import in_size

# Of inputs that were standardized, then resized.
_AS_THEY_ARE = Scaling(np.zeros(1, np.float32), np.ones(1, np.float32))

Progress = Callable[[str], None]


class InheritedAccuracy:
  """Accuracy, or mAP@0.5, in per cent, or minus the error, of networks with inherited weights.

  Batch normalization is recalibrated for each of them on training examples. The number of a
  spec depends on the spec alone, and is kept.

  Args:
    supernet: Trained.
    dataset: In the size of the largest network. Networks are judged by its held-out part,
      which should not be the one that the final figures come from.
    exact: Judge them as int8 networks, by the bytes that TFLM gives: many times slower.
    calibration: Training examples that statistics come from.
    images: Held-out examples that networks are judged by, spread evenly; None for all.
    progress: Called with a line of text as the work proceeds.
  """

  def __init__(
    self,
    supernet: Supernet,
    dataset: Dataset,
    exact: bool = False,
    calibration: int = EXAMPLES,
    images: int | None = None,
    progress: Progress = lambda text: None,
  ) -> None:
    if images is not None:
      dataset = dataclasses.replace(dataset, test=_spread(dataset.test, images))
    self._supernet, self._dataset, self._exact = supernet, dataset, exact
    self._progress = progress
    self._samples = calibration_samples(dataset, calibration)
    self._held_out = dataset.to_model(dataset.test.inputs)
    self._known: dict[Spec, float] = {}

  def evaluate(self, specs: Sequence[Spec], budget: object = None) -> list[float]:
    """The accuracy of each spec.

    Args:
      specs: Networks of the supernet's space.
      budget: Of no effect: there is nothing to train.

    Raises:
      TflmPatchError: the space has no such network.
    """
    del budget
    new = [spec for spec in dict.fromkeys(specs) if spec not in self._known]
    for number, spec in enumerate(new):
      self._progress(f'Judging network {number + 1:,} of {len(new):,}')
      self._known[spec] = self._int8(spec) if self._exact else self._float(spec)
    return [self._known[spec] for spec in specs]

  def weights_of(self, spec: Spec) -> list[np.ndarray]:
    """The weights that a network is judged with, as Keras' `get_weights` gives them.

    Raises:
      TflmPatchError: the space has no such network.
    """
    model = self._supernet.extract(spec, self._samples)
    weights: list[np.ndarray] = model.get_weights()
    return weights

  def teacher_of(self, spec: Spec) -> Teacher:
    """The largest network that takes inputs of the size of a spec's.

    It has the statistics of batch normalization until another network is judged.

    Raises:
      TflmPatchError: there is no network for such inputs, or the data are images with boxes.
    """
    supernet = self._supernet
    if self._dataset.task is Task.DETECTION:
      raise TflmPatchError('a supernet teaches classes and numbers; leave distill out for boxes')
    largest = supernet.shared.largest_for(spec.input_shape)
    supernet.recalibrate(largest, self._samples)
    whole = supernet.network.reads[:2]
    is_class = self._dataset.task is Task.CLASSIFICATION and not supernet.loss.probability

    def teach(inputs: np.ndarray) -> np.ndarray:
      said = supernet.predict(largest, np.asarray(in_size(inputs, whole)))
      return _softmax(said) if is_class else said

    return teach

  def _float(self, spec: Spec) -> float:
    candidate = self._supernet.candidate(spec)
    self._supernet.recalibrate(candidate, self._samples)
    found = self._supernet.predict(candidate, self._held_out)
    return self._signed(score(self._dataset, found, self._dataset.test.targets))

  def _int8(self, spec: Spec) -> float:
    supernet, dataset = self._supernet, self._dataset
    candidate = supernet.candidate(spec)
    model = supernet.extract(candidate, self._samples)
    quantized = quantize(model, supernet.resized(candidate, self._samples))
    inputs = supernet.resized(candidate, self._held_out)
    part = Part(inputs, dataset.test.targets)
    ready = dataclasses.replace(dataset, inputs_by=_AS_THEY_ARE, test=part)
    found = int8_score(quantized.model, quantized.data, ready, part, self._progress)
    return self._signed(found.score)

  def _signed(self, value: float) -> float:
    return value if self._dataset.task.more_is_better else -value


def _softmax(scores: np.ndarray) -> np.ndarray:
  """Of float32[n, classes]."""
  found = np.exp(scores - scores.max(axis=1, keepdims=True))
  made: np.ndarray = found / found.sum(axis=1, keepdims=True)
  return made


def _spread(part: Part, count: int) -> Part:
  if count < 1:
    raise TflmPatchError(f'networks cannot be judged by {count} images; give 1 or more')
  chosen = np.unique(np.linspace(0, len(part) - 1, count).round().astype(int))
  return Part(part.inputs[chosen], part.targets[chosen])
