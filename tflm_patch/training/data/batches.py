# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Batches of an epoch: a function of seed, epoch and step alone, so that it can be resumed."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from tflm_patch.training.data.augmentation import Augmentation, augment, mix
from tflm_patch.training.data.dataset import Dataset, Task
from tflm_patch.training.detection.augment import augment_scenes, check

_AHEAD = 3  # batches prepared while the network learns

Batch = tuple[np.ndarray, np.ndarray]  # inputs and targets, float32


class Batches:
  """The training part of a dataset, shuffled and varied.

  Args:
    dataset: Where examples come from.
    size: Of a batch; the last, smaller one of an epoch is left out.
    augmentation: Of images, boxes move with them; series are only mixed.
    seed: Of everything random.

  Raises:
    TflmPatchError: boxes cannot follow the augmentation.
  """

  def __init__(self, dataset: Dataset, size: int, augmentation: Augmentation, seed: int) -> None:
    self._dataset, self._augmentation, self._seed = dataset, augmentation, seed
    self._size = min(size, len(dataset.train))
    if dataset.task is Task.DETECTION:
      check(augmentation)

  @property
  def steps(self) -> int:
    """Batches of an epoch."""
    return len(self._dataset.train) // self._size

  def epoch(self, number: int, first: int = 0) -> Iterator[Batch]:
    """Batches of an epoch from a step on; the next ones are made meanwhile."""
    order = np.random.default_rng((self._seed, number)).permutation(len(self._dataset.train))
    steps = iter(range(first, self.steps))
    waiting: collections.deque[Future[Batch]] = collections.deque()
    with ThreadPoolExecutor(1) as pool:
      try:
        while True:
          while len(waiting) < _AHEAD and (step := next(steps, None)) is not None:
            chosen = order[step * self._size : (step + 1) * self._size]
            waiting.append(pool.submit(self._batch, chosen, number, step))
          if not waiting:
            return
          yield waiting.popleft().result()
      finally:
        for future in waiting:
          future.cancel()

  def _batch(self, chosen: np.ndarray, epoch: int, step: int) -> Batch:
    rng = np.random.default_rng((self._seed, epoch, step))
    dataset = self._dataset
    inputs = dataset.train.inputs[chosen]
    targets = dataset.train.targets[chosen]
    if dataset.task is Task.DETECTION:
      inputs, targets = augment_scenes(inputs, targets, self._augmentation, rng)
    elif dataset.is_images:
      inputs = augment(inputs, self._augmentation, rng)
    inputs, targets = dataset.to_model(inputs), dataset.targets_to_model(targets)
    if self._augmentation.mixup:
      inputs, targets = mix(inputs, targets, self._augmentation.mixup, rng)
    return np.ascontiguousarray(inputs, np.float32), np.ascontiguousarray(targets, np.float32)
