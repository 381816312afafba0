# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The examples of a search, in every size of input that a space has.

What candidates are judged by is a part of the training examples: those that are held out
are measured on at the end alone, so that nothing is chosen by them.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import pathlib
from collections.abc import Callable

import numpy as np

from tflm_patch.architecture.spec import Head
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.chance import seed_of
from tflm_patch.nas.space import SearchSpace, Shape
from tflm_patch.quantization.images import require_pillow
from tflm_patch.training.data.dataset import Dataset, Part, Task
from tflm_patch.training.data.read import is_series, read_data
from tflm_patch.training.data.series import Windows
from tflm_patch.training.run import unfit_head

VALIDATION_SHARE = 0.2
_LEAST_OF_A_CLASS = 2  # one to train with, one to judge by
_KEPT_BYTES = 1 << 30  # of images, beyond those in use

Source = Dataset | str | os.PathLike[str]
Progress = Callable[[str], None]


class SearchData:
  """Examples by the shape of the input.

  Args:
    source: A folder of images (or a `.tar`), a file of series, or a dataset.
    seed: Of the splits.
    windows: To forecast series.
    cache: A folder in which decoded images are kept; None for none.
    progress: Called with a line of text as the work proceeds.
  """

  def __init__(
    self,
    source: Source,
    seed: int = 0,
    windows: Windows | None = None,
    cache: pathlib.Path | None = None,
    progress: Progress = lambda text: None,
  ) -> None:
    self._source, self._seed, self._windows = source, seed, windows
    self._cache, self._progress = cache, progress
    self._whole: collections.OrderedDict[Shape, Dataset] = collections.OrderedDict()
    self._divided: collections.OrderedDict[Shape, Dataset] = collections.OrderedDict()

  def whole(self, shape: Shape) -> Dataset:
    """All examples; what is held out is for the end of a search.

    Args:
      shape: (rows, columns, channels) of images; ignored for series.

    Raises:
      TflmPatchError: they cannot be read, or a class has too few.
    """
    if shape not in self._whole:
      self._whole[shape] = _checked(self._read(shape), self._source)
      _forget(self._whole)
    return self._whole[shape]

  def divided(self, shape: Shape) -> Dataset:
    """The training examples alone: most to train with, the others to judge candidates by.

    Raises:
      TflmPatchError: as `whole`.
    """
    if shape not in self._divided:
      self._divided[shape] = kept_back(self.whole(shape), self._seed)
      _forget(self._divided)
    return self._divided[shape]

  def _read(self, shape: Shape) -> Dataset:
    source = self._source
    if isinstance(source, Dataset):
      return source if not source.is_images else resized(source, shape)
    cache = None
    if self._cache is not None and not is_series(source):
      cache = self._cache / f'data_{"x".join(map(str, shape))}.npz'
    return read_data(source, shape, self._seed, self._windows, cache=cache, progress=self._progress)


def adapted(space: SearchSpace, data: SearchData) -> SearchSpace:
  """A space with the classes of the data, and for series with their steps.

  Raises:
    TflmPatchError: the data cannot be read, or the space's head does not fit it.
    SpecError: the networks cannot read inputs of this shape.
  """
  dataset = data.whole(space.inputs[0])
  why = unfit_head(space.head, dataset.task)
  if why:
    raise TflmPatchError(f'space "{space.name}": {why}')
  softmax = space.head.softmax and dataset.task is Task.CLASSIFICATION
  head: Head = dataclasses.replace(space.head, classes=dataset.outputs, softmax=softmax)
  if dataset.is_images:
    return dataclasses.replace(space, head=head)
  rows, cols, channels = dataset.input_shape
  return dataclasses.replace(space, head=head, inputs=((rows, cols, channels),))


def _forget(kept: collections.OrderedDict[Shape, Dataset]) -> None:
  while len(kept) > 1 and sum(map(_bytes, kept.values())) > _KEPT_BYTES:
    kept.popitem(last=False)


def _bytes(dataset: Dataset) -> int:
  return int(dataset.train.inputs.nbytes + dataset.test.inputs.nbytes)


def _checked(dataset: Dataset, source: Source) -> Dataset:
  name = 'the data' if isinstance(source, Dataset) else str(source)
  if not len(dataset.train) or not len(dataset.test):
    raise TflmPatchError(f'{name}: no examples; give some to train with, and some held out')
  if dataset.task is Task.CLASSIFICATION:
    counts = np.bincount(dataset.train.targets, minlength=len(dataset.classes))
    least = int(np.argmin(counts))
    if counts[least] < _LEAST_OF_A_CLASS:
      raise TflmPatchError(
        f'{name}: class "{dataset.classes[least]}" has {counts[least]} examples to train with; '
        f'a search needs {_LEAST_OF_A_CLASS} of each class or more'
      )
  elif len(dataset.train) < _LEAST_OF_A_CLASS:
    raise TflmPatchError(f'{name}: {len(dataset.train)} example to train with; give more')
  return dataset


def imbalance(dataset: Dataset) -> str:
  """A sentence about classes of very different sizes; '' where they are not."""
  if dataset.task is not Task.CLASSIFICATION:
    return ''
  counts = np.bincount(dataset.train.targets, minlength=len(dataset.classes))
  most, least = int(np.argmax(counts)), int(np.argmin(counts))
  if counts[most] < 10 * counts[least]:
    return ''
  return (
    f'class "{dataset.classes[most]}" has {counts[most]:,} training examples, class '
    f'"{dataset.classes[least]}" only {counts[least]:,}: accuracy will say little about the latter'
  )


def kept_back(dataset: Dataset, seed: int) -> Dataset:
  """The training part alone; of every class the same share is kept back, chosen by chance.

  Args:
    dataset: Examples.
    seed: Which.
  """
  rng = np.random.default_rng(seed_of('validation', seed))
  part = dataset.train
  groups = [np.arange(len(part))]
  if dataset.task is Task.CLASSIFICATION:
    groups = [np.flatnonzero(part.targets == k) for k in range(len(dataset.classes))]
  back: list[np.ndarray] = []
  for group in groups:
    count = min(max(1, round(VALIDATION_SHARE * len(group))), len(group) - 1)
    back.append(rng.permutation(group)[:count])
  is_back = np.zeros(len(part), bool)
  is_back[np.concatenate(back)] = True
  return dataclasses.replace(
    dataset,
    train=Part(part.inputs[~is_back], part.targets[~is_back]),
    test=Part(part.inputs[is_back], part.targets[is_back]),
  )


def share_of(dataset: Dataset, share: float, seed: int) -> Dataset:
  """With a part of the training examples alone, of every class the same part.

  Args:
    dataset: Examples.
    share: Above 0 and at most 1.
    seed: Which.
  """
  if share >= 1:
    return dataset
  part = dataset.train
  rng = np.random.default_rng(seed_of('share', seed))
  groups = [np.arange(len(part))]
  if dataset.task is Task.CLASSIFICATION:
    groups = [np.flatnonzero(part.targets == k) for k in range(len(dataset.classes))]
  kept = [rng.permutation(group)[: max(1, round(share * len(group)))] for group in groups]
  chosen = np.sort(np.concatenate(kept))
  return dataclasses.replace(dataset, train=Part(part.inputs[chosen], part.targets[chosen]))


def resized(dataset: Dataset, shape: Shape) -> Dataset:
  """Images in memory in another size."""
  if dataset.input_shape == shape:
    return dataset
  if shape[2] not in (1, 3) or dataset.input_shape[2] not in (1, 3):
    raise TflmPatchError(
      f'images of {dataset.input_shape[2]} channels cannot become {shape[2]}; give the space '
      'inputs of the same number of channels'
    )
  return dataclasses.replace(
    dataset,
    train=Part(_images(dataset.train.inputs, shape), dataset.train.targets),
    test=Part(_images(dataset.test.inputs, shape), dataset.test.targets),
  )


def _images(inputs: np.ndarray, shape: Shape) -> np.ndarray:
  image_module = require_pillow()
  rows, cols, channels = shape
  mode = 'L' if channels == 1 else 'RGB'
  found = np.empty((len(inputs), *shape), np.uint8)
  for source, target in zip(inputs, found):
    image = image_module.fromarray(source[..., 0] if source.shape[2] == 1 else source)
    resized = image.convert(mode).resize((cols, rows), image_module.Resampling.BILINEAR)
    target[...] = np.asarray(resized).reshape(shape)
  return found
