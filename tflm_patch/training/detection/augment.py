# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Images and their boxes varied at random."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.training.data.augmentation import Augmentation, augment
from tflm_patch.training.detection.boxes import clipped

_NOT_HERE = ('rotation', 'zoom', 'mixup')  # boxes would no longer fit
_LEAST = 0.4  # of a box's area, that must be left of it
_GREY = 128


def check(options: Augmentation) -> None:
  """Checks that boxes can follow.

  Raises:
    TflmPatchError: one of the options turns or scales images, or mixes them.
  """
  for name in _NOT_HERE:
    if getattr(options, name):
      raise TflmPatchError(f'{name} is not known for images with boxes; leave it at 0')


def augment_scenes(
  images: np.ndarray, targets: np.ndarray, options: Augmentation, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
  """A batch of varied images and their boxes.

  Args:
    images: uint8[n, rows, columns, channels].
    targets: float32[n, most, 5].
    options: `flip`, `shift` (what comes in is grey), `brightness`, `contrast`, `cutout`.
    rng: Everything random comes from it.

  Returns:
    float32 of the same shape, 0 to 255; and targets.
  """
  count, rows, cols = images.shape[:3]
  moved = np.full_like(images, _GREY)
  targets = targets.copy()
  for number in range(count):
    down, right = (
      int(rng.integers(-most, most + 1))
      for most in (round(options.shift * s) for s in (rows, cols))
    )
    to, source = _overlap(rows, down), _overlap(rows, -down)
    to_x, source_x = _overlap(cols, right), _overlap(cols, -right)
    moved[number][to, to_x] = images[number][source, source_x]
    targets[number, :, 1] += right / cols
    targets[number, :, 2] += down / rows
    if options.flip and rng.random() < 0.5:
      moved[number] = moved[number][:, ::-1]
      targets[number, :, 1] = 1 - targets[number, :, 1]
  colours = dataclasses.replace(options, flip=False, shift=0.0)
  return augment(moved, colours, rng), clipped(targets, _LEAST)


def _overlap(side: int, move: int) -> slice:
  return slice(max(move, 0), side + min(move, 0))
