# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Examples that statistics of batch normalization come from."""

from __future__ import annotations

import numpy as np

from tflm_patch.training.data.dataset import Dataset

BATCH = 64
EXAMPLES = 20 * BATCH  # MCUNet's


def calibration_samples(dataset: Dataset, count: int = EXAMPLES) -> np.ndarray:
  """Training examples as networks take them, always the same ones.

  Args:
    dataset: Examples.
    count: At most so many.
  """
  inputs = dataset.train.inputs
  order = np.random.default_rng(0).permutation(len(inputs))[:count]
  return dataset.to_model(inputs[order])
