# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Samples for training on the chip: of a folder of images, of arrays, of series."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import zipfile
from collections.abc import Callable

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import Model
from tflm_patch.on_device.simulation.data import Samples, divided
from tflm_patch.planner.ir.shapes import feature_shape
from tflm_patch.training.data.dataset import PIXELS, Dataset, Part
from tflm_patch.training.data.read import read_data
from tflm_patch.training.int8_inference import to_steps

_TEST_SHARE = 0.2
_MAX_BYTES = 4 << 30
_KEYS = ('x', 'y'), ('x_test', 'y_test')


@dataclasses.dataclass(frozen=True, eq=False)
class AdaptationData:
  """What a chip is to learn.

  Attributes:
    train: To learn from, and to choose by.
    test: To judge the result by.
    classes: Their names, where the data say them.
  """

  train: Samples
  test: Samples
  classes: tuple[str, ...]


def read_adaptation_data(
  path: str | os.PathLike[str],
  model: Model,
  seed: int = 1,
  progress: Callable[[str], None] = lambda text: None,
) -> AdaptationData:
  """Samples as a model takes them; a fifth is held out unless the data say what is.

  Args:
    path: A folder or `.tar` of images as for `train`; or a `.npz` with `x` [n, ...], of the shape
      of the model's input (uint8 are pixels, int8 the input's bytes, floats real values), and
      `y` [n], whole numbers, and perhaps `x_test` and `y_test`; or series as for `train`.
    model: int8, of one input.
    seed: Of the split.
    progress: Gets lines of text.

  Raises:
    TflmPatchError: they cannot be read, or do not fit the model.
  """
  shape = feature_shape(model.main.tensors[model.main.inputs[0]])
  if shape is None:
    raise TflmPatchError("the model's input is no map of rows, columns and channels")
  suffix = pathlib.Path(path).suffix.lower()
  if suffix == '.npz':
    found = _arrays(pathlib.Path(path), model, seed)
    if found is not None:
      return found
  dataset = read_data(path, shape, seed, progress=progress)
  return AdaptationData(
    samples_of(dataset, dataset.train, model),
    samples_of(dataset, dataset.test, model),
    dataset.classes,
  )


def samples_of(dataset: Dataset, part: Part, model: Model) -> Samples:
  """Examples as an int8 model takes them.

  Raises:
    TflmPatchError: they do not fit the model.
  """
  tensor = model.main.tensors[model.main.inputs[0]]
  real = dataset.to_model(part.inputs)
  if int(np.prod(real.shape[1:])) != tensor.elements:
    raise TflmPatchError(
      f'samples are {list(real.shape[1:])}; the model takes {list(tensor.shape[1:])}'
    )
  steps = to_steps(real, tensor).reshape(len(part), *tensor.shape[1:])
  return Samples(steps, np.asarray(part.targets))


def _arrays(path: pathlib.Path, model: Model, seed: int) -> AdaptationData | None:
  """Of a `.npz` of inputs in the model's shape; None where it holds others."""
  try:
    with np.load(path, allow_pickle=False) as archive:
      if sum(entry.file_size for entry in archive.zip.infolist()) > _MAX_BYTES:
        raise TflmPatchError(f'{path}: unpacks to more than {_MAX_BYTES >> 30} GB')
      arrays = {key: archive[key] for key in archive.files}
  except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
    text = ' '.join(str(error).split())[:120]
    raise TflmPatchError(f'{path}: cannot be read as .npz ({text})') from None
  tensor = model.main.tensors[model.main.inputs[0]]
  if 'x' not in arrays or arrays['x'].ndim != len(tensor.shape):
    return None
  first = _labelled(path, arrays, _KEYS[0], model)
  if all(key in arrays for key in _KEYS[1]):
    return AdaptationData(first, _labelled(path, arrays, _KEYS[1], model), ())
  train, test = divided(first, _TEST_SHARE, seed)
  if not len(test):
    raise TflmPatchError(f'{path}: holds too few samples to hold some out')
  return AdaptationData(train, test, ())


def _labelled(
  path: pathlib.Path, arrays: dict[str, np.ndarray], keys: tuple[str, str], model: Model
) -> Samples:
  tensor = model.main.tensors[model.main.inputs[0]]
  x, y = arrays[keys[0]], arrays.get(keys[1])
  if x.shape[1:] != tensor.shape[1:]:
    raise TflmPatchError(
      f'{path}: {keys[0]} is {list(x.shape)}; the model takes [n, '
      f'{", ".join(map(str, tensor.shape[1:]))}]'
    )
  if not len(x):
    raise TflmPatchError(f'{path}: {keys[0]} is empty; give some samples of every class')
  if y is None or y.shape != (len(x),) or y.dtype.kind not in 'iu':
    raise TflmPatchError(f'{path}: give {keys[1]}, whole numbers of classes, one a sample')
  if x.dtype == np.int8:
    steps = x
  elif x.dtype.kind in 'uif' and np.isfinite(x).all():
    steps = to_steps(PIXELS.apply(x) if x.dtype == np.uint8 else x, tensor)
  else:
    raise TflmPatchError(f'{path}: {keys[0]} is {x.dtype}, or not finite; give numbers')
  return Samples(steps, y.astype(np.int64))
