# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a worker does: a task is text, examples and files, and so is what it gives.

Each is idempotent: done twice, or begun anew on another machine, it gives the same.
"""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any

from tflm_patch.architecture.spec import Spec
from tflm_patch.architecture.text import parse_spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.engines.shipping import effort_from, options_from, unpacked, unpacked_weights
from tflm_patch.nas.fitness import Fitness
from tflm_patch.nas.judges import OF_DATA
from tflm_patch.nas.space import Shape
from tflm_patch.training.data.dataset import Dataset
from tflm_patch.training.portion import train_portion
from tflm_patch.version import __version__

Files = dict[str, bytes]
Fields = Mapping[str, Any]

# A file: what a training begins with.
WEIGHTS = 'weights.npz'
_datasets: dict[str, Dataset] = {}  # of this process, by name: the last one used


class _Shipped(SearchData):
  """Examples that came with a task, in the size that its networks take."""

  def __init__(self, dataset: Dataset) -> None:
    super().__init__(dataset)
    self._dataset = dataset

  def divided(self, shape: Shape) -> Dataset:
    del shape
    return self._dataset


def perform(text: str, data: bytes, files: Files) -> tuple[str, Files]:
  """Does a task.

  Args:
    text: JSON: `kind`, `version` of the package, `backend` of Keras, and what the kind needs.
    data: Examples, as `shipping.packed` gives them.
    files: Checkpoints, by name.

  Returns:
    JSON with what was found, or with `error` where the task cannot be done; and files.
  """
  task = json.loads(text)
  if task['version'] != __version__:
    return _error(
      f'tflm-patch is {__version__} on a worker, and {task["version"]} here; install the same'
    )
  if task['backend'] and 'keras' not in sys.modules:
    os.environ['KERAS_BACKEND'] = task['backend']
  try:
    found, made = _KINDS[task['kind']](task, _dataset(task['data'], data), files)
  except TflmPatchError as error:
    return _error(str(error))
  return json.dumps(found), made


def _error(message: str) -> tuple[str, Files]:
  return json.dumps({'error': message}), {}


def _dataset(name: str, data: bytes) -> Dataset:
  if name not in _datasets:
    _datasets.clear()
    _datasets[name] = unpacked(data)
  return _datasets[name]


def _judge(task: Fields, dataset: Dataset, files: Files) -> tuple[Fields, Files]:
  """`spec` by `fitness` and `effort`: gives `score`."""
  del files
  judge = fitness_from(task['fitness'])(_Shipped(dataset))
  (score,) = judge.evaluate([_spec(task)], effort_from(task['effort']))
  return {'score': float(score)}, {}


def _train(task: Fields, dataset: Dataset, files: Files) -> tuple[Fields, Files]:
  """`spec` by `options` for `seconds`: gives `done`, the last line of progress, checkpoints."""
  begin = unpacked_weights(files[WEIGHTS]) if WEIGHTS in files else None
  pause, lines = _Pause(task['seconds']), ['']
  with tempfile.TemporaryDirectory(prefix='tflm_patch.') as name:
    folder = pathlib.Path(name)
    for each, content in files.items():
      if each == WEIGHTS:
        continue
      (folder / each).write_bytes(content)
    done = train_portion(
      dataset, _spec(task), options_from(task['options']), folder, pause, lines.append, begin
    )
    made = {path.name: path.read_bytes() for path in folder.glob('checkpoint*.npz')}
  return {'done': done, 'progress': lines[-1]}, made


class _Pause:
  """Whether some time has gone by since the first checkpoint: whatever begins goes ahead."""

  def __init__(self, seconds: float) -> None:
    self._seconds = seconds
    self._until: float | None = None

  def __call__(self) -> bool:
    if self._until is None:
      self._until = time.monotonic() + self._seconds
      return False
    return time.monotonic() >= self._until


def _spec(task: Fields) -> Spec:
  return parse_spec(task['spec'])


_KINDS: dict[str, Callable[[Fields, Dataset, Files], tuple[Fields, Files]]] = {
  'judge': _judge,
  'train': _train,
}


def fitness_text(fitness: str | Callable[[SearchData], Fitness]) -> str:
  """A fitness as text that another machine understands.

  Raises:
    TflmPatchError: it is made of more than the examples, or cannot be imported there.
  """
  if isinstance(fitness, str):
    return fitness
  module, name = getattr(fitness, '__module__', ''), getattr(fitness, '__qualname__', '')
  try:
    if module == '__main__' or fitness_from(f'{module}:{name}') is not fitness:
      raise ImportError
  except (ImportError, AttributeError):
    raise TflmPatchError(
      f'the fitness {name or fitness!r} cannot be imported on other machines; put it at the '
      'top level of a module that is installed there, or use the engine local'
    ) from None
  return f'{module}:{name}'


def fitness_from(text: str) -> Callable[[SearchData], Fitness]:
  """The fitness of `fitness_text`."""
  module, colon, name = text.partition(':')
  if not colon:
    return OF_DATA[text]
  found: Callable[[SearchData], Fitness] = getattr(importlib.import_module(module), name)
  return found
