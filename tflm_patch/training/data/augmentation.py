# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Images varied at random, a batch at a time, in numpy."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.errors import TflmPatchError


@dataclasses.dataclass(frozen=True)
class Augmentation:
  """How much images vary. Zeros leave them as they are.

  Attributes:
    flip: Half of the images are mirrored left to right.
    shift: By up to this part of the sides, in whole pixels; what comes in is a mirror image.
    rotation: By up to so many degrees.
    zoom: Scaled by 1 - zoom to 1 + zoom.
    brightness: Pixels move by up to this part of their range.
    contrast: Scaled around their mean by 1 - contrast to 1 + contrast.
    cutout: A grey square of this part of the side (DeVries and Taylor, arXiv 1708.04552).
    mixup: Alpha of the Beta distribution that two examples are mixed by (Zhang et al.,
      arXiv 1710.09412).

  Raises:
    TflmPatchError: a value that means nothing.
  """

  flip: bool = True
  shift: float = 0.125
  rotation: float = 0.0
  zoom: float = 0.0
  brightness: float = 0.0
  contrast: float = 0.0
  cutout: float = 0.0
  mixup: float = 0.0

  def __post_init__(self) -> None:
    limits = {'shift': 0.5, 'rotation': 180.0, 'zoom': 0.9, 'brightness': 1.0}
    limits.update({'contrast': 1.0, 'cutout': 1.0, 'mixup': 100.0})
    for name, limit in limits.items():
      value = getattr(self, name)
      if not 0 <= value <= limit:
        raise TflmPatchError(f'augmentation: {name} is {value}; it is from 0 to {limit:g}')


SLIGHT = Augmentation()
NONE = Augmentation(flip=False, shift=0.0)


def augment(images: np.ndarray, options: Augmentation, rng: np.random.Generator) -> np.ndarray:
  """A batch of varied images; labels do not change (for `mixup` see `mix`).

  Args:
    images: uint8[n, rows, columns, channels].
    options: How much.
    rng: Everything random comes from it.

  Returns:
    float32 of the same shape, 0 to 255.
  """
  if options.rotation or options.zoom:
    found = _transformed(images, options, rng)
  else:
    found = _shifted(images, options, rng).astype(np.float32)
  count = len(images)
  if options.contrast:
    means = found.mean(axis=(1, 2, 3), keepdims=True)
    scales = rng.uniform(1 - options.contrast, 1 + options.contrast, (count, 1, 1, 1))
    found = (found - means) * scales.astype(np.float32) + means
  if options.brightness:
    moves = rng.uniform(-255 * options.brightness, 255 * options.brightness, (count, 1, 1, 1))
    found += moves.astype(np.float32)
  if options.contrast or options.brightness:
    np.clip(found, 0, 255, out=found)
  if options.cutout:
    _cut_out(found, options.cutout, rng)
  return found


def mix(
  inputs: np.ndarray, targets: np.ndarray, alpha: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
  """Every example mixed with another of the batch, and its target too."""
  share = rng.beta(alpha, alpha, len(inputs)).astype(np.float32)
  share = np.maximum(share, 1 - share)
  others = rng.permutation(len(inputs))

  def mixed(values: np.ndarray) -> np.ndarray:
    weights = share.reshape(-1, *[1] * (values.ndim - 1))
    return weights * values + (1 - weights) * values[others]

  return mixed(inputs), mixed(targets)


def _reflected(positions: np.ndarray, size: int) -> np.ndarray:
  """Whole positions beyond an end, mirrored into 0 .. size - 1."""
  period = max(2 * size - 2, 1)
  positions = np.abs(positions) % period
  return np.where(positions >= size, period - positions, positions)


def _shifted(images: np.ndarray, options: Augmentation, rng: np.random.Generator) -> np.ndarray:
  """Mirrored and moved by whole pixels."""
  count, rows, cols = images.shape[:3]
  y = np.broadcast_to(np.arange(rows), (count, rows))
  x = np.broadcast_to(np.arange(cols), (count, cols))
  if options.shift:
    y = y + _whole_moves(rng, options.shift, rows, count)
    x = x + _whole_moves(rng, options.shift, cols, count)
    y, x = _reflected(y, rows), _reflected(x, cols)
  if options.flip:
    mirrored = rng.random((count,)) < 0.5
    x = np.where(mirrored[:, None], x[:, ::-1], x)
  return images[np.arange(count)[:, None, None], y[:, :, None], x[:, None, :]]


def _whole_moves(rng: np.random.Generator, share: float, side: int, count: int) -> np.ndarray:
  most = round(share * side)
  return rng.integers(-most, most + 1, (count, 1))


def _transformed(images: np.ndarray, options: Augmentation, rng: np.random.Generator) -> np.ndarray:
  """Mirrored, moved, turned and scaled at once, with bilinear interpolation."""
  count, rows, cols = images.shape[:3]
  angle = np.radians(rng.uniform(-options.rotation, options.rotation, count))
  scale = 1 / rng.uniform(1 - options.zoom, 1 + options.zoom, count)
  mirror = np.where(rng.random((count,)) < 0.5, -1.0, 1.0) if options.flip else np.ones(count)
  move_y = rng.uniform(-options.shift, options.shift, count) * rows
  move_x = rng.uniform(-options.shift, options.shift, count) * cols
  centre_y, centre_x = (rows - 1) / 2, (cols - 1) / 2
  grid_y, grid_x = np.meshgrid(
    np.arange(rows) - centre_y, np.arange(cols) - centre_x, indexing='ij'
  )
  cos, sin = _column(scale * np.cos(angle)), _column(scale * np.sin(angle))
  x = _column(mirror) * grid_x
  from_y = cos * grid_y - sin * x + _column(move_y + centre_y)
  from_x = sin * grid_y + cos * x + _column(move_x + centre_x)
  return _sampled(images, from_y, from_x)


def _column(values: np.ndarray) -> np.ndarray:
  return values.astype(np.float32)[:, None, None]


def _sampled(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
  """Values between pixels; beyond the borders a mirror image."""
  count, rows, cols, channels = images.shape
  low_y, low_x = np.floor(y), np.floor(x)
  part_y, part_x = (y - low_y)[..., None], (x - low_x)[..., None]
  top, left = low_y.astype(np.int32), low_x.astype(np.int32)
  y_0, y_1 = _reflected(top, rows), _reflected(top + 1, rows)
  x_0, x_1 = _reflected(left, cols), _reflected(left + 1, cols)
  flat = images.reshape(-1, channels)
  base = (np.arange(count, dtype=np.int32) * (rows * cols))[:, None, None]

  def at(rows_at: np.ndarray, cols_at: np.ndarray) -> np.ndarray:
    return flat[base + rows_at * cols + cols_at].astype(np.float32)

  above = at(y_0, x_0)
  above += part_x * (at(y_0, x_1) - above)
  below = at(y_1, x_0)
  below += part_x * (at(y_1, x_1) - below)
  return above + part_y * (below - above)


def _cut_out(images: np.ndarray, share: float, rng: np.random.Generator) -> None:
  count, rows, cols = images.shape[:3]
  half_y, half_x = share * rows / 2, share * cols / 2
  y, x = rng.uniform(0, rows, (count, 1)), rng.uniform(0, cols, (count, 1))
  in_y = np.abs(np.arange(rows)[None] + 0.5 - y) < half_y
  in_x = np.abs(np.arange(cols)[None] + 0.5 - x) < half_x
  images[in_y[:, :, None] & in_x[:, None, :]] = 128
