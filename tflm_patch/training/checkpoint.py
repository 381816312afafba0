# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The state of a training as one file, which a kill at any moment leaves whole.

A `.npz` without pickled objects: variables by number, and what is not an array as JSON.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pathlib
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import write_atomically

VERSION = 1
_MAX_BYTES = 1 << 31
_STATE = 'state'


@dataclasses.dataclass(frozen=True)
class EpochRow:
  """A point of the learning curve.

  Attributes:
    epoch: Epochs done.
    loss: Mean of the epoch's steps.
    rate: Learning rate at its end.
    seconds: Of wall time since the beginning.
    score: On held-out examples: accuracy in per cent, or mean absolute error; None where
      it was not measured.
  """

  epoch: int
  loss: float
  rate: float
  seconds: float
  score: float | None = None


@dataclasses.dataclass
class State:
  """Where a training is.

  Attributes:
    settings: What must not change between runs: data, network, seed, and so on.
    epoch, step: Epochs done, and steps done of the one after them.
    seconds, cpu_seconds: Used.
    measuring_seconds: Of these, for held-out examples.
    loss_sum: Of the steps done in this epoch.
    history: One row an epoch.
  """

  settings: dict[str, Any]
  epoch: int = 0
  step: int = 0
  seconds: float = 0.0
  cpu_seconds: float = 0.0
  measuring_seconds: float = 0.0
  loss_sum: float = 0.0
  history: list[EpochRow] = dataclasses.field(default_factory=list)

  def to_json(self) -> dict[str, Any]:
    return {'version': VERSION, **dataclasses.asdict(self)}

  @classmethod
  def from_json(cls, values: Mapping[str, Any]) -> State:
    """Raises ValueError, KeyError or TypeError for what is no state."""
    values = dict(values)
    if values.pop('version') != VERSION:
      raise ValueError('another version wrote it')
    rows = [EpochRow(**row) for row in values.pop('history')]
    return cls(**values, history=rows)


Groups = Mapping[str, Sequence[np.ndarray]]


def save(path: pathlib.Path, state: State, groups: Groups) -> None:
  """Writes a checkpoint in place of the one before.

  Args:
    path: The file.
    state: See `State`.
    groups: Arrays: of variables, of their averages.

  Raises:
    TflmPatchError: it cannot be written (a full disk); the one before is still there.
  """
  arrays = {f'{name}/{k}': value for name, group in groups.items() for k, value in enumerate(group)}
  arrays[_STATE] = np.frombuffer(json.dumps(state.to_json()).encode(), np.uint8)
  whole = io.BytesIO()
  np.savez(whole, allow_pickle=False, **arrays)
  try:
    write_atomically(path, whole.getvalue())
  except TflmPatchError as error:
    kept = ', the checkpoint before it is kept' if path.exists() else ''
    reason = str(error).removeprefix(f'{path}: ').removesuffix('; choose another output')
    raise TflmPatchError(f'{path}: {reason}{kept}; make room and go on with --resume') from error


def load(
  path: pathlib.Path, settings: Mapping[str, Any], shapes: Mapping[str, Sequence[tuple[int, ...]]]
) -> tuple[State, dict[str, list[np.ndarray]]]:
  """A checkpoint.

  Args:
    path: The file.
    settings: Of this training; those of the checkpoint must be the same.
    shapes: Of every array, by group.

  Raises:
    TflmPatchError: it is damaged, or of another training; names what differs.
  """
  try:
    if os.path.getsize(path) > _MAX_BYTES:
      raise ValueError('it is too large')
    with np.load(path, allow_pickle=False) as archive:
      if sum(entry.file_size for entry in archive.zip.infolist()) > _MAX_BYTES:
        raise ValueError('it unpacks to too much')
      state = State.from_json(json.loads(archive[_STATE].tobytes()))
      _check_settings(path, settings, state.settings)
      groups = {
        name: [_array(archive, f'{name}/{k}', shape) for k, shape in enumerate(group)]
        for name, group in shapes.items()
      }
  except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
    text = ' '.join(str(error).split())[:120]
    raise TflmPatchError(
      f'{path}: no checkpoint that can be resumed ({text}); remove it to begin anew'
    ) from None
  return state, groups


def _array(archive: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
  found: np.ndarray = archive[name]
  if found.shape != tuple(shape):
    raise ValueError(f'{name} is {list(found.shape)}, not {list(shape)}')
  return found


def _check_settings(path: pathlib.Path, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
  ours = json.loads(json.dumps(dict(ours)))
  for name in sorted({*ours, *theirs}):
    if ours.get(name) != theirs.get(name):
      raise TflmPatchError(
        f'{path}: the training that is to be resumed had {name} {theirs.get(name)}, not '
        f'{ours.get(name)}; give it again, or another output folder'
      )
