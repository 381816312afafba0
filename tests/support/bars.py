# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The smallest images that can be told apart."""

from __future__ import annotations

import numpy as np

from tflm_patch.training import Part


def bars(count, seed):
  """Images of two classes: a bright row, a bright column."""
  rng = np.random.default_rng(seed)
  images = rng.integers(0, 60, (count, 8, 8, 1), np.uint8)
  labels = np.arange(count) % 2
  for image, label in zip(images, labels):
    place = rng.integers(8)
    image[(place, slice(None)) if label else (slice(None), place)] += 150
  return Part(images, labels)
