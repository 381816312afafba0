# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Boxes of images as arrays: targets do not depend on the size of images or maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FIELDS = 5  # class, centre's x and y, width, height
NONE = -1.0  # class of a row without a box

# Class, then x and y of the centre, width and height as parts of the image's sides.
Box = tuple[int, float, float, float, float]


def padded(images: Sequence[Sequence[Box]]) -> np.ndarray:
  """float32[n, most boxes of an image, 5]; rows without a box have class -1."""
  most = max(1, *(len(boxes) for boxes in images)) if images else 1
  found = np.zeros((len(images), most, FIELDS), np.float32)
  found[..., 0] = NONE
  for row, boxes in zip(found, images):
    if boxes:
      row[: len(boxes)] = boxes
  return found


def is_there(targets: np.ndarray) -> np.ndarray:
  """bool[n, most]: rows that hold a box."""
  there: np.ndarray = targets[..., 0] >= 0
  return there


def corners(boxes: np.ndarray) -> np.ndarray:
  """[..., left, top, right, bottom] of [..., x, y, width, height]."""
  half = boxes[..., 2:4] / 2
  return np.concatenate([boxes[..., :2] - half, boxes[..., :2] + half], axis=-1)


def clipped(targets: np.ndarray, least: float) -> np.ndarray:
  """Boxes cut at the image's edges; those of which less than a part is left are none.

  Args:
    targets: float32[n, most, 5].
    least: Of the area, 0 to 1.
  """
  found = targets.copy()
  area = np.maximum(targets[..., 3] * targets[..., 4], 1e-9)
  sides = np.clip(corners(targets[..., 1:]), 0, 1)
  found[..., 1:3] = (sides[..., :2] + sides[..., 2:]) / 2
  found[..., 3:5] = sides[..., 2:] - sides[..., :2]
  gone = found[..., 3] * found[..., 4] < least * area
  found[gone, 0] = NONE
  return found
