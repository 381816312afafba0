# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Small images first, whole ones later: more epochs in the same time.

Progressive resizing, as in "EfficientNetV2" (Tan and Le, arXiv 2104.00298, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError

# Parts of a training: with the smallest images, with those half way, with whole ones.
_ENDS = (0.35, 0.7)


def scale_at(progress: float, start: float) -> float:
  """The side of training images as a part of the whole side.

  Args:
    progress: How far the training is, 0 to 1.
    start: The scale at the beginning.
  """
  if progress >= _ENDS[1]:
    return 1.0
  return start if progress < _ENDS[0] else (start + 1) / 2


def any_size(model: Any) -> Any:
  """A Keras model of the same layers, and weights, that takes images of any size.

  Raises:
    TflmPatchError: a layer needs to know the size.
  """
  import keras

  rows, cols, channels = model.input_shape[1:]

  def of_size(sides: tuple[int | None, int | None]) -> Any:
    tensor = keras.Input((*sides, channels))
    return keras.models.clone_model(model, tensor, clone_function=lambda layer: layer)

  try:
    of_size((max(rows // 2, 1), max(cols // 2, 1)))  # unknown sizes would not be checked
    return of_size((None, None))
  except (TypeError, ValueError) as error:
    reason = str(error).strip().split('\n')[0]
    raise TflmPatchError(
      f'start_scale: {model.name} takes images of one size only ({reason}); leave it at 1, or '
      'use a global pool instead of a flattened map'
    ) from None


def resized(images: np.ndarray, scale: float) -> Any:
  """A batch of images of smaller sides, in even numbers of pixels.

  Args:
    images: float32[n, rows, columns, channels].
    scale: Of the sides.
  """
  if scale == 1:
    return images
  rows, cols = (max(2 * round(scale * side / 2), 2) for side in images.shape[1:3])
  return in_size(images, (rows, cols))


def in_size(images: Any, size: Sequence[int]) -> Any:
  """A batch of images in another size.

  Args:
    images: float32[n, rows, columns, channels].
    size: Rows and columns.
  """
  from keras import ops

  if tuple(images.shape[1:3]) == tuple(size):
    return images
  return ops.image.resize(images, tuple(size), interpolation='bilinear', antialias=True)
