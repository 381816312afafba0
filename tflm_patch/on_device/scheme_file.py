# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""scheme.json: what a chip trains of a model, and how, as `tflm-patch adapt` writes it."""

from __future__ import annotations

import json
import os
from typing import Any

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import open_regular
from tflm_patch.on_device.options import DEFAULT_TRAINING, Arithmetic, TrainingOptions
from tflm_patch.on_device.scheme import LayerUpdate, Loss, Scheme

SCHEMA_VERSION = 1
_MOST_BYTES = 1 << 22


def to_json(scheme: Scheme, training: TrainingOptions = DEFAULT_TRAINING) -> dict[str, Any]:
  """A scheme for machines."""
  return {
    'schema_version': SCHEMA_VERSION,
    'loss': scheme.loss.value,
    'samples_an_update': training.samples,
    'input_rows': training.input_rows,
    'arithmetic': training.arithmetic.value,
    'memory': training.memory,
    'updates': [
      {
        'operator': update.operator,
        'bias': update.bias,
        'input_channels': list(update.input_channels),
      }
      for update in scheme.updates
    ],
  }


def read(path: str | os.PathLike[str]) -> tuple[Scheme, TrainingOptions]:
  """A scheme from its file, and how it is trained.

  Raises:
    TflmPatchError: the file cannot be read, or is none of a scheme; says why.
  """
  name = os.fspath(path)
  try:
    with open_regular(path) as file:
      data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
      raise ValueError(f'more than {_MOST_BYTES:,} bytes')
    return _from_json(json.loads(data.decode('utf-8')))
  except OSError as error:
    raise TflmPatchError(f'{name}: {error.strerror}; name a scheme.json of adapt') from error
  except (ValueError, RecursionError, TflmPatchError) as error:
    raise TflmPatchError(f'{name}: is no scheme: {error}; adapt writes such a file') from error


def _from_json(found: Any) -> tuple[Scheme, TrainingOptions]:
  if not isinstance(found, dict) or found.get('schema_version') != SCHEMA_VERSION:
    raise ValueError(f'its schema_version is not {SCHEMA_VERSION}')
  updates = found.get('updates')
  if not isinstance(updates, list):
    raise ValueError('"updates" is no list')
  rows, memory = found.get('input_rows'), found.get('memory')
  scheme = Scheme(tuple(_update(each) for each in updates), Loss(found.get('loss')))
  training = TrainingOptions(
    samples=_whole(found.get('samples_an_update', 1), 'samples_an_update'),
    input_rows=None if rows is None else _whole(rows, 'input_rows'),
    memory=None if memory is None else _whole(memory, 'memory'),
    arithmetic=Arithmetic(found.get('arithmetic', Arithmetic.FLOAT32.value)),
  )
  return scheme, training


def _update(found: Any) -> LayerUpdate:
  if not isinstance(found, dict) or not isinstance(found.get('bias'), bool):
    raise ValueError('an update has no "bias" of true or false')
  channels = found.get('input_channels')
  if not isinstance(channels, list):
    raise ValueError('an update has no list "input_channels"')
  numbers = tuple(_whole(each, 'input_channels') for each in channels)
  return LayerUpdate(_whole(found.get('operator'), 'operator'), found['bias'], numbers)


def _whole(found: Any, name: str) -> int:
  if not isinstance(found, int) or isinstance(found, bool):
    raise ValueError(f'"{name}" holds {found!r}, which is no whole number')
  return found
