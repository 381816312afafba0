# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From the map that a detector gives to boxes: what an application does with its bytes."""

from __future__ import annotations

import numpy as np

from tflm_patch.training.detection.boxes import FIELDS, corners

MOST = 100  # boxes of an image
_LEAST_SCORE = 0.01
_OVERLAP = 0.5  # above which the weaker one of two boxes of a class is dropped

# class, score, then x and y of the centre, width and height as parts of the image's sides
FOUND = 6


def decoded(outputs: np.ndarray) -> list[np.ndarray]:
  """Boxes of each image.

  Args:
    outputs: [n, rows, columns, 5 + classes], see `loss.detection_loss`.

  Returns:
    float64[boxes, 6] for each image, the surest first.
  """
  outputs = np.asarray(outputs, np.float64)
  _, rows, cols, numbers = outputs.shape
  flat = outputs.reshape(len(outputs), rows * cols, numbers)
  where = _logistic(flat[..., :4])
  row, col = np.divmod(np.arange(rows * cols), cols)
  where[..., 0] = (col + where[..., 0]) / cols
  where[..., 1] = (row + where[..., 1]) / rows
  classes = np.exp(flat[..., FIELDS:] - flat[..., FIELDS:].max(axis=-1, keepdims=True))
  classes *= (_logistic(flat[..., 4]) / classes.sum(axis=-1))[..., None]
  return [_strongest(*each) for each in zip(where, classes)]


def _strongest(where: np.ndarray, classes: np.ndarray) -> np.ndarray:
  """One box a cell, without those that overlap a stronger one of their class."""
  best, score = classes.argmax(axis=-1), classes.max(axis=-1)
  order = np.argsort(-score, kind='stable')
  order = order[score[order] >= _LEAST_SCORE][:MOST]
  found = np.column_stack([best[order], score[order], where[order]])
  kept: list[int] = []
  overlaps = iou(found[:, 2:], found[:, 2:])
  for k in range(len(found)):
    if not any(found[j, 0] == found[k, 0] and overlaps[j, k] > _OVERLAP for j in kept):
      kept.append(k)
  return found[kept]


def iou(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
  """Intersection over union of boxes [n, 4] and [m, 4]: [n, m]."""
  first, second = corners(ours)[:, None], corners(theirs)[None]
  sides = np.minimum(first[..., 2:], second[..., 2:]) - np.maximum(first[..., :2], second[..., :2])
  common = np.prod(np.maximum(sides, 0), axis=-1)
  areas = np.prod(ours[:, None, 2:], axis=-1) + np.prod(theirs[None, :, 2:], axis=-1)
  found: np.ndarray = common / np.maximum(areas - common, 1e-12)
  return found


def _logistic(x: np.ndarray) -> np.ndarray:
  found: np.ndarray = 1 / (1 + np.exp(-np.clip(x, -60, 60)))
  return found
