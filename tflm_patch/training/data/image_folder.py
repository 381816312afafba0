# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Photographs in a folder a class, with or without folders train and test above them."""

from __future__ import annotations

import collections
import dataclasses
import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.quantization import images
from tflm_patch.training.data.cache import key_of, load, save
from tflm_patch.training.data.dataset import Dataset, Part
from tflm_patch.training.data.files import MAX_FILE_BYTES, Files, Parts, files_of
from tflm_patch.training.data.split import held_out

TEST_SHARE = 0.2
MAX_DECODED_BYTES = 8 << 30
TRAIN, TEST = ('train', 'training'), ('test', 'val', 'valid', 'validation')
_EVERY = 5000  # files between two lines of progress

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class _Listing:
  """Paths of the images of both parts, by class."""

  train: dict[str, list[Parts]]
  test: dict[str, list[Parts]]


def read_images(
  path: str | os.PathLike[str],
  shape: tuple[int, int, int],
  seed: int = 0,
  progress: Progress = lambda text: None,
  cache: pathlib.Path | None = None,
) -> Dataset:
  """The images of a folder or an uncompressed .tar.

  Folders `train` and `test` (or `val`) hold a folder a class each; or there are only folders
  of classes, and a fifth of each class is held out, chosen by a hash of its files' names.
  Files that are no images are ignored; images that cannot be read, or are too large, are
  skipped and counted.

  Args:
    path: The folder or archive.
    shape: (rows, columns, channels) that images are resized to; 1 or 3 channels.
    seed: Of the split.
    progress: Called with a line of text as the work proceeds.
    cache: A file that decoded images are kept in, for the next run.

  Raises:
    TflmPatchError: no or one class, a class without images, an archive that is not
      harmless, images that need too much memory.
    EnvironmentMissing: Pillow is not installed.
  """
  images.check_shape(shape)
  with files_of(path) as files:
    key = key_of(files.signature(), shape, seed, TEST_SHARE)
    kept = None if cache is None else load(cache, key)
    if kept is not None:
      return kept
    skipped: collections.Counter[str] = collections.Counter()
    listing = _listing(os.fspath(path), files, seed, skipped)
    classes = sorted(listing.train)
    count = sum(len(each) for part in (listing.train, listing.test) for each in part.values())
    needed = count * shape[0] * shape[1] * shape[2]
    if needed > MAX_DECODED_BYTES:
      raise TflmPatchError(
        f'{path}: {count:,} images of {shape[0]}x{shape[1]} take {needed >> 30} GB of memory; '
        f'at most {MAX_DECODED_BYTES >> 30} are used: lower the resolution'
      )
    reader = Reader(files, shape, count, skipped, progress)
    train, test = reader.part(listing.train, classes), reader.part(listing.test, classes)
  _check_classes(os.fspath(path), classes, train, test)
  dataset = Dataset(train, test, tuple(classes), dict(+skipped))
  if cache is not None:
    save(cache, key, dataset)
  return dataset


def _listing(path: str, files: Files, seed: int, skipped: collections.Counter[str]) -> _Listing:
  """Which image belongs where."""
  found = [parts for parts in files.sizes if parts[-1].lower().endswith(images.SUFFIXES)]
  skipped['not an image'] = len(files.sizes) - len(found)
  if not found:
    raise TflmPatchError(f'{path}: no image in it (of {", ".join(images.SUFFIXES)})')
  root = _root(files, found)
  tops = {parts[len(root)] for parts in found if len(parts) > len(root) + 1}
  train = next((name for name in TRAIN if name in tops), None)
  test = next((name for name in TEST if name in tops), None)
  if train is not None and test is not None:
    return _Listing(
      _by_class(path, files, found, (*root, train), skipped),
      _by_class(path, files, found, (*root, test), skipped),
    )
  if train is not None and tops == {train}:
    root = (*root, train)
  return _divided(_by_class(path, files, found, root, skipped), seed)


def _root(files: Files, found: Sequence[Parts]) -> Parts:
  """The folder that all folders of classes, or of parts, lie in."""
  root: Parts = ()
  while True:
    below = {parts[len(root)] for parts in files.folders if len(parts) == len(root) + 1}
    is_only = len(below) == 1 and all(len(parts) > len(root) + 2 for parts in found)
    if not is_only or below & {*TRAIN, *TEST}:
      return root
    root = (*root, below.pop())


def _by_class(
  path: str, files: Files, found: Sequence[Parts], root: Parts, skipped: collections.Counter[str]
) -> dict[str, list[Parts]]:
  """Images by the folder of their class, in order of their names."""
  depth = len(root)
  classes: dict[str, list[Parts]] = {
    parts[depth]: [] for parts in files.folders if parts[:depth] == root and len(parts) == depth + 1
  }
  for parts in sorted(found):
    if parts[:depth] != root:
      continue
    if len(parts) == depth + 1:
      skipped['beside the folders of the classes'] += 1
    else:
      classes[parts[depth]].append(parts)
  where = '/'.join([path, *root])
  for name, members in classes.items():
    if not members:
      raise TflmPatchError(f'{where}: class "{name}" has no image; add some or remove the folder')
  if len(classes) < 2:
    raise TflmPatchError(
      f'{where}: {len(classes) or "no"} class; images must lie in a folder for each class, '
      'two or more'
    )
  return classes


def _divided(classes: dict[str, list[Parts]], seed: int) -> _Listing:
  train, test = {}, {}
  for name, members in classes.items():
    out = held_out(['/'.join(parts) for parts in members], TEST_SHARE, seed)
    train[name] = [parts for parts in members if '/'.join(parts) not in out]
    test[name] = [parts for parts in members if '/'.join(parts) in out]
  return _Listing(train, test)


class Reader:
  """Decodes, and counts what is skipped."""

  def __init__(
    self,
    files: Files,
    shape: tuple[int, int, int],
    count: int,
    skipped: collections.Counter[str],
    progress: Progress,
  ) -> None:
    self._files, self._shape, self._count = files, shape, count
    self._skipped, self._progress = skipped, progress
    self._done = 0

  def part(self, by_class: dict[str, list[Parts]], classes: Sequence[str]) -> Part:
    """One part, in order of classes and names."""
    members = [(parts, name) for name in sorted(by_class) for parts in by_class[name]]
    numbers = {name: number for number, name in enumerate(classes)}
    inputs = np.empty((len(members), *self._shape), np.uint8)
    targets = np.empty(len(members), np.int64)
    kept = 0
    for parts, name in members:
      if name not in numbers:
        raise TflmPatchError(f'class "{name}" is held out, but not in what is trained on')
      if self.read(parts, inputs[kept]):
        targets[kept] = numbers[name]
        kept += 1
    return Part(inputs[:kept], targets[:kept])

  def read(self, parts: Parts, into: np.ndarray) -> bool:
    """Decodes an image into an array; whether it could be read."""
    if self._done % _EVERY == 0:
      self._progress(f'Reading image {self._done:,} of {self._count:,}')
    self._done += 1
    if self._files.sizes[parts] > MAX_FILE_BYTES:
      self._skipped[f'larger than {MAX_FILE_BYTES >> 20} MB'] += 1
      return False
    try:
      with self._files.open(parts) as file:
        into[...] = images.decode(file, parts[-1], self._shape)
    except OSError:
      self._skipped['unreadable'] += 1
      return False
    except images.TooManyPixels:
      self._skipped[f'more than {images.MAX_PIXELS:,} pixels'] += 1
      return False
    except EnvironmentMissing:
      raise
    except TflmPatchError:
      self._skipped['unreadable'] += 1
      return False
    return True


def _check_classes(path: str, classes: Sequence[str], train: Part, test: Part) -> None:
  for what, part in (('to train with', train), ('held out', test)):
    counts = np.bincount(part.targets, minlength=len(classes))
    if not counts.all():
      name = classes[int(np.argmin(counts))]
      raise TflmPatchError(
        f'{path}: class "{name}" has no readable image {what}; add some or remove the folder'
      )
