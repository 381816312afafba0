# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Untrained networks, the same for the same spec and seed."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from tflm_patch.architecture.spec import Spec
from tflm_patch.architecture.text import format_spec
from tflm_patch.nas.chance import seed_of
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.fitness import Effort
from tflm_patch.training import backend


@contextlib.contextmanager
def untrained(spec: Spec, budget: Effort, normalization: bool = True) -> Iterator[Any]:
  """A Keras model of a spec without the softmax; forgotten afterwards.

  Raises:
    EnvironmentMissing: Keras or a backend is not installed.
  """
  keras = backend.prepare(budget.threads)
  from tflm_patch.models.builder import BuildOptions, build  # loads Keras

  keras.utils.set_random_seed(seed_of('untrained', budget.seed, format_spec(spec)))
  plain = dataclasses.replace(spec, head=dataclasses.replace(spec.head, softmax=False))
  try:
    yield build(plain, BuildOptions(normalization=normalization))
  finally:
    keras.utils.clear_session(free_memory=False)


def batches(
  data: SearchData, spec: Spec, budget: Effort, count: int
) -> list[tuple[np.ndarray, np.ndarray]]:
  """Training examples as the network takes them, chosen by the seed alone.

  Returns:
    (inputs float32[batch, ...], targets float32[batch, outputs]) of each batch.
  """
  dataset = data.divided(spec.input_shape)
  part = dataset.train
  rng = np.random.default_rng(seed_of('batches', budget.seed))
  order = np.resize(rng.permutation(len(part)), count * budget.batch_size)
  found = []
  for chosen in np.split(order, count):
    inputs = dataset.to_model(part.inputs[chosen])
    found.append((inputs, dataset.targets_to_model(part.targets[chosen])))
  return found
