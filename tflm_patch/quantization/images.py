# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Image files as arrays, with bounds on what they may hold."""

from __future__ import annotations

import os
import warnings
from typing import Any, BinaryIO

import numpy as np

from tflm_patch.errors import EnvironmentMissing, TflmPatchError

MAX_PIXELS = 50_000_000
SUFFIXES = ('.bmp', '.gif', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.webp')


class TooManyPixels(TflmPatchError):
  """An image is larger than is read."""


def require_pillow() -> Any:
  """Its module Image.

  Raises:
    EnvironmentMissing: Pillow is not installed.
  """
  try:
    from PIL import Image
  except ImportError:
    raise EnvironmentMissing(
      'Pillow is needed to read images; pip install "tflm-patch[keras]"'
    ) from None
  return Image


def check_shape(shape: tuple[int, int, int]) -> None:
  """Whether images can be read as (rows, columns, channels).

  Raises:
    TflmPatchError: neither 1 nor 3 channels.
    EnvironmentMissing: Pillow is not installed.
  """
  require_pillow()
  if shape[2] not in (1, 3):
    raise TflmPatchError(f'images have 1 or 3 channels, not {shape[2]}; change the input')


def decode(
  source: str | os.PathLike[str] | BinaryIO, name: str, shape: tuple[int, ...]
) -> np.ndarray:
  """An image of a given size.

  Args:
    source: A file.
    name: Of the file, for messages.
    shape: (rows, columns, channels) of the result, 1 or 3 channels; the image is resized,
      with antialiasing where it becomes smaller.

  Returns:
    uint8[rows, columns, channels].

  Raises:
    TflmPatchError: it is no readable image, or has too many pixels.
    EnvironmentMissing: Pillow is not installed.
  """
  image_module = require_pillow()
  rows, cols, channels = shape
  try:
    with warnings.catch_warnings():
      warnings.simplefilter('ignore')  # its own limit is above ours
      image = image_module.open(source)
    with image:
      if image.width * image.height > MAX_PIXELS:
        raise TooManyPixels(
          f'"{name}" has {image.width} x {image.height} pixels; at most {MAX_PIXELS:,} are read'
        )
      mode = 'L' if channels == 1 else 'RGB'
      resized = image.convert(mode).resize((cols, rows), image_module.Resampling.BILINEAR)
      return np.asarray(resized, np.uint8).reshape(rows, cols, channels)
  except TflmPatchError:
    raise
  except Exception as error:  # Pillow raises many kinds for damaged files
    text = ' '.join(str(error).split())[:120]
    raise TflmPatchError(f'"{name}" is no readable image ({text}); remove it') from None
