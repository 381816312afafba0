# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The `.ts` format of the UCR and UEA archives of series (timeseriesclassification.com)."""

from __future__ import annotations

import pathlib

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import open_regular

MAX_BYTES = 1 << 30


def read_ts(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray | None]:
  """Series and targets of a file.

  Returns:
    float32[n, steps, channels], where shorter series begin with values that are not
    numbers; and text[n] of class labels, float32[n] of a regression, or None.

  Raises:
    TflmPatchError: it is no such file; says which line.
  """
  try:
    with open_regular(path) as file:
      data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
      raise TflmPatchError(f'is larger than {MAX_BYTES >> 30} GB')
    lines = data.decode('utf-8').splitlines()
  except (OSError, ValueError) as error:
    reason = getattr(error, 'strerror', None) or error
    raise TflmPatchError(f'cannot be read as .ts ({reason})') from None
  header, first = _header(lines)
  has_classes = header.get('classlabel', 'false').lower().startswith('true')
  has_values = header.get('targetlabel', 'false').lower().startswith('true')
  series, labels = [], []
  for number, line in enumerate(lines[first:], first + 1):
    if not line.strip() or line.lstrip().startswith('#'):
      continue
    *dimensions, label = line.strip().split(':')
    if not (has_classes or has_values):
      dimensions, label = [*dimensions, label], ''
    series.append(_series(dimensions, number))
    labels.append(label.strip())
  if not series:
    raise TflmPatchError('holds no series after @data')
  if len({each.shape[1] for each in series}) > 1:
    raise TflmPatchError('its series have different numbers of channels')
  steps = max(len(each) for each in series)
  inputs = np.full((len(series), steps, series[0].shape[1]), np.nan, np.float32)
  for row, each in zip(inputs, series):
    row[steps - len(each) :] = each
  if has_classes:
    return inputs, np.array(labels)
  try:
    return inputs, np.array(labels, np.float32) if has_values else None
  except ValueError:
    raise TflmPatchError('has a target that is no number') from None


def _header(lines: list[str]) -> tuple[dict[str, str], int]:
  """What the lines with @ say, and where the data begin."""
  header: dict[str, str] = {}
  for number, line in enumerate(lines):
    word, _, rest = line.strip().partition(' ')
    if word.lower() == '@data':
      return header, number + 1
    if word.startswith('@'):
      header[word[1:].lower()] = rest.strip()
  raise TflmPatchError('has no line @data')


def _series(dimensions: list[str], line: int) -> np.ndarray:
  """float32[steps, channels]; gaps become values that are not numbers."""
  try:
    columns = [
      np.array([each.strip().replace('?', 'nan') for each in text.split(',')], np.float32)
      for text in dimensions
    ]
  except ValueError:
    raise TflmPatchError(f'line {line}: a value is no number') from None
  if len({len(column) for column in columns}) != 1:
    raise TflmPatchError(f'line {line}: its channels differ in length, or there are none')
  return np.stack(columns, axis=-1)
