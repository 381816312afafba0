# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Data by what their path names: images or series."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable

from tflm_patch.errors import TflmPatchError
from tflm_patch.training.data.anomalies import AnomalyOptions, read_anomalies
from tflm_patch.training.data.dataset import Dataset
from tflm_patch.training.data.image_folder import read_images
from tflm_patch.training.data.series import Windows, read_series
from tflm_patch.training.detection.scenes import has_boxes, read_scenes

_SERIES = ('.npz', '.ts')


def is_series(path: str | os.PathLike[str]) -> bool:
  """Whether it is a file of series."""
  return pathlib.Path(path).suffix.lower() in _SERIES


def read_data(
  path: str | os.PathLike[str],
  shape: tuple[int, int, int],
  seed: int = 0,
  windows: Windows | None = None,
  anomaly: AnomalyOptions | None = None,
  cache: pathlib.Path | None = None,
  progress: Callable[[str], None] = lambda text: None,
) -> Dataset:
  """Images of a folder or `.tar`, with classes or boxes, or series of a `.npz` or `.ts`.

  Args:
    path: Where they are.
    shape: (rows, columns, channels) of images.
    seed: Of the split.
    windows: To forecast series.
    anomaly: To learn what normal series are.
    cache: Where decoded images are kept.
    progress: Called with a line of text as the work proceeds.

  Raises:
    TflmPatchError: they cannot be read.
  """
  if windows is not None and anomaly is not None:
    raise TflmPatchError('a forecast and an anomaly detector exclude each other; choose one')
  if is_series(path):
    if anomaly is not None:
      return read_anomalies(path, anomaly, seed)
    return read_series(path, seed, windows)
  if anomaly is not None:
    raise TflmPatchError(f'{path}: no series (.npz, .ts); anomalies are told in these only')
  if windows is not None:
    raise TflmPatchError(f'{path}: no series (.npz, .ts); only these can be forecast')
  read = read_scenes if has_boxes(path) else read_images
  return read(path, shape, seed, progress, cache)
