# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The folder of a training: what is in it, and what may be overwritten."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import tempfile
from collections.abc import Sequence

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import write_atomically
from tflm_patch.training.anomaly_header import header
from tflm_patch.training.result import TrainResult

CHECKPOINT, AWARE, CACHE = 'checkpoint.npz', 'checkpoint_int8.npz', 'data.npz'
KERAS, INT8, CONVERTED = 'model.keras', 'model.tflite', 'model_patch.tflite'
SUMMARY, ANOMALY = 'result.json', 'anomaly.h'
_OURS = (CHECKPOINT, AWARE, KERAS, INT8, CONVERTED, SUMMARY, ANOMALY)


def claimed(
  folder: str | os.PathLike[str], run: str, names: Sequence[str], may_hold: bool
) -> pathlib.Path:
  """A folder to write into.

  Args:
    folder: Made if it is not there.
    run: What writes into it, for messages.
    names: Files that tell that one has done so.
    may_hold: One may have.

  Raises:
    TflmPatchError: it cannot be made, or holds a run that it may not.
  """
  path = pathlib.Path(folder)
  try:
    path.mkdir(parents=True, exist_ok=True)
  except OSError as error:
    raise TflmPatchError(
      f'{path}: cannot be made ({error.strerror}); choose another output folder'
    ) from None
  found = [name for name in names if (path / name).exists()]
  if found and not may_hold:
    raise TflmPatchError(
      f'{path}: holds a {run} already ({found[0]}); --resume goes on with it, '
      '--overwrite begins anew'
    )
  return path


class Outputs:
  """A folder that a training writes into.

  Args:
    folder: Made if it is not there.
    resume: Go on with its checkpoint, if there is one.
    overwrite: Begin anew; files of an earlier training are replaced, others are left alone.

  Raises:
    TflmPatchError: it cannot be made, or holds a training and neither is said.
  """

  def __init__(self, folder: str | os.PathLike[str], resume: bool, overwrite: bool) -> None:
    self.folder = claimed(folder, 'training', _OURS, resume or overwrite)
    self.checkpoint, self.cache = self.folder / CHECKPOINT, self.folder / CACHE
    self.aware_checkpoint = self.folder / AWARE
    self.resumes = resume and self.checkpoint.exists()
    self.resumes_aware = self.resumes and self.aware_checkpoint.exists()
    if not self.resumes:
      self.checkpoint.unlink(missing_ok=True)
    if not self.resumes_aware:
      self.aware_checkpoint.unlink(missing_ok=True)

  def write(self, result: TrainResult) -> None:
    """Writes the models and the figures.

    Raises:
      TflmPatchError: one cannot be written.
    """
    write_atomically(self.folder / KERAS, _saved(result, self.folder))
    write_atomically(self.folder / INT8, result.quantized.data)
    write_atomically(self.folder / CONVERTED, result.converted.data)
    if result.detector is not None:
      write_atomically(self.folder / ANOMALY, _header(result).encode())
    write_atomically(
      self.folder / SUMMARY, (json.dumps(result.to_json(), indent=2) + '\n').encode()
    )


def _header(result: TrainResult) -> str:
  assert result.detector is not None and result.dataset.anomalies is not None
  main = result.quantized.model.main
  quantization = main.tensors[main.inputs[0]].quantization
  assert quantization is not None
  dataset, chosen_by = result.dataset, len(result.dataset.anomalies.normal)
  return header(result.detector, dataset.inputs_by, dataset.input_shape, quantization, chosen_by)


def _saved(result: TrainResult, folder: pathlib.Path) -> bytes:
  """A `.keras` file's bytes; Keras itself writes in place."""
  handle, name = tempfile.mkstemp(suffix='.keras', prefix='.tflm_patch.', dir=folder)
  os.close(handle)
  try:
    result.model.save(name)
    return pathlib.Path(name).read_bytes()
  except OSError as error:
    raise TflmPatchError(f'{folder / KERAS}: cannot be written: {error.strerror}') from error
  finally:
    with contextlib.suppress(OSError):
      os.unlink(name)
