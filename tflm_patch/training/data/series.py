# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Series of sensors: `.npz` files, and the `.ts` files of the UCR and UEA archives."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import zipfile
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.training.data.dataset import Dataset, Part, Scaling
from tflm_patch.training.data.split import held_out
from tflm_patch.training.data.ts_file import read_ts

TEST_SHARE = 0.2
_MAX_BYTES = 4 << 30
_INPUTS, _TARGETS = ('x', 'inputs', 'samples', 'series'), ('y', 'targets', 'labels')


@dataclasses.dataclass(frozen=True)
class Windows:
  """Forecasting: what follows a window of a series is to be told from it.

  Attributes:
    steps: Of a window, the network's input.
    horizon: How many steps after it are told, all channels of each.
  """

  steps: int
  horizon: int = 1


@dataclasses.dataclass(frozen=True)
class Raw:
  """What a file holds: inputs [n, steps, channels], targets [n] or [n, outputs] or None."""

  inputs: np.ndarray
  targets: np.ndarray | None


def read_series(
  path: str | os.PathLike[str], seed: int = 0, windows: Windows | None = None
) -> Dataset:
  """Series with classes or numbers as targets, or without targets to forecast them.

  A `.npz` holds `x` [n, steps, channels] and `y`, whole numbers or text for classes, other
  numbers for a regression; or `x_train`, `y_train`, `x_test`, `y_test`. Of
  `NAME_TRAIN.ts` the file `NAME_TEST.ts` beside it is held out. Otherwise a fifth is: of
  each class, of all, or the last fifth of the time of a forecast.

  Args:
    path: A `.npz` or `.ts` file. Nothing in it is run: no pickled objects.
    seed: Of the split.
    windows: For forecasts; targets in the file are not used then.

  Returns:
    Inputs float32[n, steps, 1, channels], standardized by the training part.

  Raises:
    TflmPatchError: it cannot be read, or does not hold such series.
  """
  try:
    train, test = read_raw(path)
    if windows is not None:
      return _forecast(_joined(train, test).inputs, windows)
    if train.targets is None:
      raise TflmPatchError('holds no targets (y); give them, or a window to forecast')
    if test is None:
      train, test = _divided(train, seed)
    return _labelled(train, test)
  except TflmPatchError as error:
    raise TflmPatchError(f'{path}: {error}') from None


def read_raw(path: str | os.PathLike[str], long: bool | None = None) -> tuple[Raw, Raw | None]:
  """What a file holds to train with, and what it holds out, None where it does not say.

  Args:
    path: As for `read_series`.
    long: Arrays [steps] and [steps, channels] are one long series, with targets of every step
      if any; None for that where there are no targets.

  Raises:
    TflmPatchError: it cannot be read; the message does not name the file.
  """
  path = pathlib.Path(path)
  return _read_npz(path, long) if path.suffix.lower() == '.npz' else _read_ts_pair(path)


def _read_npz(path: pathlib.Path, long: bool | None) -> tuple[Raw, Raw | None]:
  try:
    with np.load(path, allow_pickle=False) as archive:
      if sum(entry.file_size for entry in archive.zip.infolist()) > _MAX_BYTES:
        raise TflmPatchError(f'unpacks to more than {_MAX_BYTES >> 30} GB')
      arrays = {key: archive[key] for key in archive.files}
  except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
    text = ' '.join(str(error).split())[:120]
    raise TflmPatchError(f'cannot be read as .npz ({text}); write it with numpy.savez') from None
  if 'x_train' in arrays:
    parts = [_raw(arrays, (f'x_{name}',), (f'y_{name}',), long) for name in ('train', 'test')]
    return parts[0], parts[1]
  return _raw(arrays, _INPUTS, _TARGETS, long), None


def _raw(arrays: dict[str, np.ndarray], inputs: Any, targets: Any, long: bool | None) -> Raw:
  def one_of(names: tuple[str, ...]) -> np.ndarray | None:
    return next((arrays[name] for name in names if name in arrays), None)

  x, y = one_of(inputs), one_of(targets)
  if x is None:
    raise TflmPatchError(f'holds {", ".join(arrays) or "nothing"}; name the series {inputs[0]}')
  if x.dtype.kind not in 'biuf' or x.ndim not in (1, 2, 3):
    raise TflmPatchError(
      f'{inputs[0]} is {x.dtype} {list(x.shape)}; give numbers [n, steps, channels]'
    )
  if y is not None and len(y) != len(x):
    raise TflmPatchError(f'{len(x)} series have {len(y)} targets')
  if x.ndim < 3 and (y is None if long is None else long or x.ndim == 1):
    x = x.reshape(1, len(x), -1)  # one long series: [steps] or [steps, channels]
  elif x.ndim < 3:
    x = x.reshape(len(x), -1, 1)
  return Raw(np.asarray(x, np.float32), y)


def _read_ts_pair(path: pathlib.Path) -> tuple[Raw, Raw | None]:
  stem, _, end = path.stem.rpartition('_')
  other = path.with_name(f'{stem}_TEST{path.suffix}')
  if end != 'TRAIN' or not other.exists():
    return Raw(*read_ts(path)), None
  parts = [read_ts(path), read_ts(other)]
  steps = max(inputs.shape[1] for inputs, _ in parts)
  train, test = (Raw(_padded(inputs, steps), targets) for inputs, targets in parts)
  return train, test


def _padded(inputs: np.ndarray, steps: int) -> np.ndarray:
  """As `read_ts` pads: what is missing at the beginning is not a number, and becomes the mean."""
  before = ((0, 0), (steps - inputs.shape[1], 0), (0, 0))
  return np.pad(inputs, before, constant_values=np.nan)


def _joined(train: Raw, test: Raw | None) -> Raw:
  if test is None:
    return train
  return Raw(np.concatenate([train.inputs, test.inputs]), None)


def _divided(raw: Raw, seed: int) -> tuple[Raw, Raw]:
  """A fifth held out, of every class where there are classes."""
  targets = raw.targets
  assert targets is not None
  groups = targets if _is_classes(targets) else np.zeros(len(targets), np.int64)
  out = np.zeros(len(targets), bool)
  for group in np.unique(groups):
    members = np.flatnonzero(groups == group)
    chosen = held_out([str(member) for member in members], TEST_SHARE, seed)
    out[[int(each) for each in chosen]] = True
  return (Raw(raw.inputs[~out], targets[~out]), Raw(raw.inputs[out], targets[out]))


def _is_classes(targets: np.ndarray) -> bool:
  return targets.ndim == 1 and targets.dtype.kind in 'biuSU'


def _labelled(train: Raw, test: Raw) -> Dataset:
  assert train.targets is not None and test.targets is not None
  if not _is_classes(train.targets):
    return _dataset(train.inputs, test.inputs, _numbers(train), _numbers(test))
  names, numbers = np.unique(train.targets, return_inverse=True)
  if len(names) < 2:
    raise TflmPatchError('holds one class; give series of two or more')
  places = {name: number for number, name in enumerate(names)}
  unknown = [name for name in test.targets if name not in places]
  if unknown:
    raise TflmPatchError(f'class "{unknown[0]}" is held out, but not in what is trained on')
  others = np.array([places[name] for name in test.targets], np.int64)
  classes = tuple(str(name) for name in names)
  return _dataset(train.inputs, test.inputs, numbers.astype(np.int64), others, classes)


def _numbers(raw: Raw) -> np.ndarray:
  targets = raw.targets
  assert targets is not None
  if targets.dtype.kind not in 'biuf' or targets.ndim > 2:
    raise TflmPatchError(f'targets are {targets.dtype} {list(targets.shape)}; give numbers')
  return np.asarray(targets, np.float32).reshape(len(targets), -1)


def _dataset(
  train: np.ndarray,
  test: np.ndarray,
  targets: np.ndarray,
  test_targets: np.ndarray,
  classes: tuple[str, ...] = (),
) -> Dataset:
  if train.shape[1:] != test.shape[1:]:
    raise TflmPatchError(
      f'series are {list(train.shape[1:])} to train with and {list(test.shape[1:])} held out'
    )
  if not len(targets) or not len(test_targets):
    raise TflmPatchError('there are too few series to hold some out')
  mean = np.nanmean(train, axis=(0, 1))
  train, test = (np.where(np.isnan(each), mean, each) for each in (train, test))
  if not (np.isfinite(train).all() and np.isfinite(test).all()):
    raise TflmPatchError('holds values that are not finite')
  first = Part(as_maps(train), targets)
  second = Part(as_maps(test), test_targets)
  by = None if classes else Scaling.of(targets)
  return Dataset(first, second, classes, {}, Scaling.of(train), by)


def as_maps(series: np.ndarray) -> np.ndarray:
  """[n, steps, channels] as maps of one column."""
  return np.ascontiguousarray(series[:, :, None, :], np.float32)


def _forecast(series: np.ndarray, windows: Windows) -> Dataset:
  """Windows and what follows; the last fifth of the time is held out."""
  whole = windows.steps + windows.horizon
  last = series.shape[1] - whole
  cut = round(last * (1 - TEST_SHARE))
  if windows.steps < 1 or windows.horizon < 1 or cut < 1 or cut + whole > last:
    raise TflmPatchError(
      f'series of {series.shape[1]} steps are too short for windows of {windows.steps} and a '
      f'forecast of {windows.horizon}'
    )

  def examples(starts: range) -> tuple[np.ndarray, np.ndarray]:
    found = np.stack([series[:, start : start + whole] for start in starts], axis=1)
    found = found.reshape(-1, whole, series.shape[2])
    return found[:, : windows.steps], found[:, windows.steps :].reshape(len(found), -1)

  # No step of a held-out window is in one that is trained on.
  train, targets = examples(range(cut))
  test, test_targets = examples(range(cut + whole, last + 1))
  return _dataset(train, test, targets, test_targets)
