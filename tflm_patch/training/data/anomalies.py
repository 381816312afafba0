# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Series whose normal course is learned, so that what is not normal can be told."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.training.data.dataset import Anomalies, Dataset, Part, Scaling
from tflm_patch.training.data.series import TEST_SHARE, Raw, as_maps, read_raw
from tflm_patch.training.data.split import held_out

_NORMAL_NAMES = ('', '0', 'false', 'normal')


@dataclasses.dataclass(frozen=True)
class AnomalyOptions:
  """How series become examples of what is normal.

  Attributes:
    steps: Of a window, the network's input; None where every series is an example.
    hop: Steps from one window to the next.
    quantile: Part of the normal errors that lie at or below the threshold.

  Raises:
    TflmPatchError: a value that means nothing.
  """

  steps: int | None = None
  hop: int = 1
  quantile: float = 0.99

  def __post_init__(self) -> None:
    if self.hop < 1 or (self.steps is not None and self.steps < 1):
      raise TflmPatchError(f'windows of {self.steps} steps, {self.hop} apart; both are at least 1')
    if not 0 < self.quantile <= 1:
      raise TflmPatchError(f'quantile is {self.quantile:g}; it is above 0, and at most 1')


@dataclasses.dataclass(frozen=True)
class _Found:
  """Examples by what they are for; each float32[n, steps, channels]."""

  train: np.ndarray
  threshold: np.ndarray
  test: np.ndarray
  anomalous: np.ndarray


def read_anomalies(path: str | os.PathLike[str], options: AnomalyOptions, seed: int = 0) -> Dataset:
  """Normal series to learn, others to choose a threshold by and to measure on.

  A `.npz` holds `x` [n, steps, channels] and, if known, `y` [n], 0 (or `normal`) for what is
  normal; with windows also one long series [steps, channels] and `y` [steps]. `x_train`,
  `x_test` and `y_test` give the split. No anomaly is trained on. Of what is normal a fifth
  is held out to choose the threshold by, and a fifth to measure on, unless the file says
  what: the last of the time where windows are cut, else any.

  Args:
    path: A `.npz` or `.ts` file. Nothing in it is run.
    options: See `AnomalyOptions`.
    seed: Of the split.

  Returns:
    Inputs float32[n, steps, 1, channels], standardized by the training part; targets are
    the inputs.

  Raises:
    TflmPatchError: it cannot be read, or does not hold enough of such series.
  """
  try:
    train, test = read_raw(path, long=options.steps is not None)
    found = _windowed(train, test, options) if options.steps else _whole(train, test, seed)
    return _dataset(found, options)
  except TflmPatchError as error:
    raise TflmPatchError(f'{path}: {error}') from None


def _windowed(train: Raw, test: Raw | None, options: AnomalyOptions) -> _Found:
  """Windows of parts of the time, none in two of them."""
  if test is not None:
    parts = _cut(train, options, (1 - TEST_SHARE,)) + _cut(test, options, ())
  else:
    parts = _cut(train, options, (1 - 2 * TEST_SHARE, 1 - TEST_SHARE))
  first, threshold, last = (windows[~marked] for windows, marked in parts)
  anomalous = np.concatenate([windows[marked] for windows, marked in parts])
  return _Found(first, threshold, last, anomalous)


def _cut(
  raw: Raw, options: AnomalyOptions, shares: Sequence[float]
) -> list[tuple[np.ndarray, np.ndarray]]:
  """Windows of every part of the time, and whether a step of them is an anomaly.

  Args:
    raw: Series [n, steps, channels].
    options: Of the windows.
    shares: Where parts end; the last ends with the series.
  """
  assert options.steps is not None
  series = raw.inputs
  marks = _marks(raw)
  ends = [round(share * series.shape[1]) for share in shares] + [series.shape[1]]
  parts = []
  for begin, end in zip([0, *ends], ends):
    starts = range(begin, end - options.steps + 1, options.hop)
    if not starts:
      raise TflmPatchError(
        f'series of {series.shape[1]} steps are too short for windows of {options.steps}: '
        f'{end - begin} are one of the parts to train with, to choose the threshold and to '
        'measure on'
      )
    cuts = [slice(start, start + options.steps) for start in starts]
    windows = np.concatenate([series[:, cut] for cut in cuts])
    parts.append((windows, np.concatenate([marks[:, cut].any(axis=1) for cut in cuts])))
  return parts


def _marks(raw: Raw) -> np.ndarray:
  """bool[n, steps]: what is no normal step; labels of series hold for all steps of them."""
  count, steps = raw.inputs.shape[:2]
  if raw.targets is None:
    return np.zeros((count, steps), bool)
  marks = _is_anomaly(raw.targets)
  if count == 1 and marks.shape == (steps,):
    return marks[None]
  if marks.shape == (count, steps):
    return marks
  if marks.shape != (count,):
    raise TflmPatchError(
      f'labels are {list(marks.shape)} of series {[count, steps]}; give one a series, or one a step'
    )
  return np.repeat(marks[:, None], steps, axis=1)


def _whole(train: Raw, test: Raw | None, seed: int) -> _Found:
  """Every series is an example."""
  normal, anomalous = _divided(train)
  if test is None:
    normal, last = _held_out(normal, seed, TEST_SHARE)
    first, threshold = _held_out(normal, seed, TEST_SHARE / (1 - TEST_SHARE))
    return _Found(first, threshold, last, anomalous)
  last, others = _divided(test)
  first, threshold = _held_out(normal, seed, TEST_SHARE)
  if others.shape[1:] != anomalous.shape[1:]:
    raise TflmPatchError(
      f'series are {list(normal.shape[1:])} to train with and {list(last.shape[1:])} held out'
    )
  return _Found(first, threshold, last, np.concatenate([anomalous, others]))


def _divided(raw: Raw) -> tuple[np.ndarray, np.ndarray]:
  """Normal and other series."""
  marks = _marks(raw).any(axis=1)
  return raw.inputs[~marks], raw.inputs[marks]


def _held_out(series: np.ndarray, seed: int, share: float) -> tuple[np.ndarray, np.ndarray]:
  if len(series) < 2:
    raise TflmPatchError(
      'there are too few normal series to hold some out; cut a long one into windows: '
      '--anomaly STEPS'
    )
  chosen = held_out([str(number) for number in range(len(series))], share, seed)
  out = np.isin(np.arange(len(series)), [int(each) for each in chosen])
  return series[~out], series[out]


def _is_anomaly(labels: np.ndarray) -> np.ndarray:
  """bool of the same shape: labels that do not say 0 or `normal`."""
  if labels.dtype.kind in 'biuf':
    return labels != 0
  if labels.dtype.kind not in 'SU':
    raise TflmPatchError(f'labels are {labels.dtype}; give 0 for what is normal, or text')
  names = [str(each).strip().lower() for each in labels.astype(str).reshape(-1)]
  return np.array([name not in _NORMAL_NAMES for name in names]).reshape(labels.shape)


def _dataset(found: _Found, options: AnomalyOptions) -> Dataset:
  for what, examples in (
    ('to train with', found.train),
    ('to choose the threshold by', found.threshold),
    ('to measure on', found.test),
  ):
    if not len(examples):
      raise TflmPatchError(f'no normal example is left {what}; give more of them')
  if any(np.isinf(each).any() for each in (found.train, found.threshold, found.test)):
    raise TflmPatchError('holds values that are not finite')
  mean = np.nanmean(found.train, axis=(0, 1))
  scaling = Scaling.of(np.where(np.isnan(found.train), mean, found.train))
  steps = found.train.shape[1]
  whole = Scaling(np.tile(scaling.offset, steps), np.tile(scaling.scale, steps))

  def part(series: np.ndarray) -> Part:
    filled = np.where(np.isnan(series), mean, series).astype(np.float32)
    if not np.isfinite(filled).all():
      raise TflmPatchError('holds values that are not finite')
    return Part(as_maps(filled), filled.reshape(len(filled), -1))

  anomalous = part(found.anomalous) if len(found.anomalous) else None
  return Dataset(
    part(found.train),
    part(found.test),
    (),
    {},
    scaling,
    whole,
    Anomalies(part(found.threshold), anomalous, options.quantile),
  )
