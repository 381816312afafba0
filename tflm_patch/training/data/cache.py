# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Decoded images kept in a file, for the next run on the same ones."""

from __future__ import annotations

import hashlib
import io
import json
import pathlib
import zipfile
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import write_atomically
from tflm_patch.training.data.dataset import Dataset, Part

VERSION = 1
_MAX_BYTES = 9 << 30
_ARRAYS = ('train_inputs', 'train_targets', 'test_inputs', 'test_targets')


def key_of(*what: Any) -> str:
  """Names what the images are, and how they were read."""
  return hashlib.sha256(repr((VERSION, *what)).encode()).hexdigest()


def load(path: pathlib.Path, key: str) -> Dataset | None:
  """The images in a file; None where it holds others, or is no such file."""
  try:
    with np.load(path, allow_pickle=False) as archive:
      if sum(entry.file_size for entry in archive.zip.infolist()) > _MAX_BYTES:
        return None
      about = json.loads(archive['about'].tobytes())
      if about['key'] != key:
        return None
      arrays = [archive[name] for name in _ARRAYS]
      dataset = Dataset(
        Part(*arrays[:2]), Part(*arrays[2:]), tuple(about['classes']), dict(about['skipped'])
      )
  except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
    return None
  kinds = [array.dtype for array in arrays]
  targets = np.float32 if arrays[1].ndim == 3 else np.int64  # boxes, or numbers of classes
  return dataset if kinds == [np.uint8, targets] * 2 else None


def save(path: pathlib.Path, key: str, dataset: Dataset) -> bool:
  """Whether it could be kept: a full disk is no reason not to train."""
  about = {'key': key, 'classes': dataset.classes, 'skipped': dict(dataset.skipped)}
  parts = (dataset.train, dataset.test)
  arrays = [array for part in parts for array in (part.inputs, part.targets)]
  whole = io.BytesIO()
  np.savez(
    whole,
    allow_pickle=False,
    about=np.frombuffer(json.dumps(about).encode(), np.uint8),
    **dict(zip(_ARRAYS, arrays)),
  )
  try:
    write_atomically(path, whole.getvalue())
  except TflmPatchError:
    return False
  return True
