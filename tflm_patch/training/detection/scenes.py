# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Images with boxes in a folder or .tar: Pascal VOC's folders, or YOLO's."""

from __future__ import annotations

import collections
import dataclasses
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.quantization import images
from tflm_patch.training.data.cache import key_of, load, save
from tflm_patch.training.data.dataset import Dataset, Part
from tflm_patch.training.data.files import Files, Parts, files_of
from tflm_patch.training.data.image_folder import MAX_DECODED_BYTES, TEST, TEST_SHARE, TRAIN, Reader
from tflm_patch.training.data.split import held_out
from tflm_patch.training.detection.annotations import MAX_BYTES, BadAnnotation, Named, voc, yolo
from tflm_patch.training.detection.boxes import Box, padded

Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Form:
  """How people keep boxes.

  Attributes:
    folder: Of the annotations, anywhere in the path.
    images: The folder of the images in its place.
    suffix: Of annotations.
    read: Of the bytes of one.
  """

  folder: str
  images: str
  suffix: str
  read: Callable[[bytes], list[Named]]


FORMS = (Form('Annotations', 'JPEGImages', '.xml', voc), Form('labels', 'images', '.txt', yolo))
_NAMES = 'classes.txt'  # of YOLO's numbers, a line each


def form_of(files: Files) -> Form | None:
  """The form of a folder's annotations; None where there are none."""
  for form in FORMS:
    for parts in files.sizes:
      if form.folder in parts[:-1] and parts[-1].lower().endswith(form.suffix):
        return form
  return None


def has_boxes(path: str | os.PathLike[str]) -> bool:
  """Whether a folder or .tar holds annotations of boxes.

  Raises:
    TflmPatchError: it is neither.
  """
  with files_of(path) as files:
    return form_of(files) is not None


def read_scenes(
  path: str | os.PathLike[str],
  shape: tuple[int, int, int],
  seed: int = 0,
  progress: Progress = lambda text: None,
  cache: pathlib.Path | None = None,
) -> Dataset:
  """Images and their boxes.

  Pascal VOC: `JPEGImages/NAME.jpg` and `Annotations/NAME.xml`. YOLO: `images/NAME.jpg` and
  `labels/NAME.txt`, and `classes.txt` with the classes' names. A folder `train` and one of
  `test` or `val` above or below these divide the images; else a fifth is held out, chosen by a
  hash of the names. An image without a file of boxes has none. Images are stretched to the shape.

  Args:
    path: The folder or archive.
    shape: (rows, columns, channels) that images are resized to; 1 or 3 channels.
    seed: Of the split.
    progress: Called with a line of text as the work proceeds.
    cache: A file that decoded images are kept in, for the next run.

  Raises:
    TflmPatchError: no image or no box, an annotation that cannot be read (which one).
    EnvironmentMissing: Pillow is not installed.
  """
  images.check_shape(shape)
  name = os.fspath(path)
  with files_of(path) as files:
    key = key_of('boxes', files.signature(), shape, seed, TEST_SHARE)
    kept = None if cache is None else load(cache, key)
    if kept is not None:
      return kept
    form = form_of(files)
    if form is None:
      raise TflmPatchError(f'{name}: no boxes in it (Annotations/*.xml, or labels/*.txt)')
    found = _images(name, files, form)
    boxes = {parts: _boxes(name, files, form, parts) for parts in found}
    classes = _classes(name, files, form, boxes)
    train, test = _divided(found, seed)
    needed = len(found) * shape[0] * shape[1] * shape[2]
    if needed > MAX_DECODED_BYTES:
      raise TflmPatchError(
        f'{name}: {needed >> 30} GB of pixels are too many; lower the resolution'
      )
    skipped: collections.Counter[str] = collections.Counter()
    reader = Reader(files, shape, len(found), skipped, progress)
    dataset = Dataset(
      _part(reader, train, boxes, classes, shape),
      _part(reader, test, boxes, classes, shape),
      tuple(classes.values()),
      skipped,
    )
  dataset = dataclasses.replace(dataset, skipped=dict(+skipped))
  if cache is not None:
    save(cache, key, dataset)
  return dataset


def _images(name: str, files: Files, form: Form) -> list[Parts]:
  found = [
    parts
    for parts in sorted(files.sizes)
    if parts[-1].lower().endswith(images.SUFFIXES) and form.images in parts[:-1]
  ]
  if len(found) < 2:
    raise TflmPatchError(
      f'{name}: {len(found) or "no"} image in a folder {form.images}/ beside {form.folder}/'
    )
  return found


def _boxes(name: str, files: Files, form: Form, image: Parts) -> list[Named]:
  """Of the annotation beside an image; none where it has none."""
  at = max(k for k, part in enumerate(image[:-1]) if part == form.images)
  stem = os.path.splitext(image[-1])[0]
  parts = (*image[:at], form.folder, *image[at + 1 : -1], stem + form.suffix)
  if parts not in files.sizes:
    return []
  where = '/'.join([name, *parts])
  if files.sizes[parts] > MAX_BYTES:
    raise TflmPatchError(f'{where}: larger than {MAX_BYTES >> 20} MB; refused')
  try:
    with files.open(parts) as file:
      return form.read(file.read(MAX_BYTES + 1))
  except OSError as error:
    raise TflmPatchError(f'{where}: cannot be read: {error.strerror}') from None
  except BadAnnotation as error:
    raise TflmPatchError(
      f'{where}: no annotation ({str(error)[:120]}); mend or remove it'
    ) from None


def _classes(
  name: str, files: Files, form: Form, boxes: Mapping[Parts, Sequence[Named]]
) -> dict[str, str]:
  """Names of classes by what annotations call them, in order."""
  called = {each[0] for found in boxes.values() for each in found}
  if not called:
    raise TflmPatchError(f'{name}: no image has a box')
  if form.suffix == '.xml':
    return {each: each for each in sorted(called)}
  listed = next((parts for parts in sorted(files.sizes) if parts[-1] == _NAMES), None)
  most = max(map(int, called)) + 1
  if most > MAX_BYTES // 8:
    raise TflmPatchError(f'{name}: a box of class {most - 1}; classes are numbered from 0 on')
  names = [str(number) for number in range(most)]
  if listed is not None:
    with files.open(listed) as file:
      names = [line.strip() for line in file.read(MAX_BYTES).decode(errors='replace').splitlines()]
    names = [each for each in names if each]
  if most > len(names):
    raise TflmPatchError(f'{name}: a box of class {most - 1}, but {_NAMES} has {len(names)} names')
  return {str(number): each for number, each in enumerate(names)}


def _divided(found: Sequence[Parts], seed: int) -> tuple[list[Parts], list[Parts]]:
  train = [parts for parts in found if set(TRAIN) & set(parts[:-1])]
  test = [parts for parts in found if set(TEST) & set(parts[:-1])]
  if train and test:
    return train, test
  out = held_out(['/'.join(parts) for parts in found], TEST_SHARE, seed)
  return (
    [parts for parts in found if '/'.join(parts) not in out],
    [parts for parts in found if '/'.join(parts) in out],
  )


def _part(
  reader: Reader,
  members: Sequence[Parts],
  boxes: Mapping[Parts, Sequence[Named]],
  classes: Mapping[str, str],
  shape: tuple[int, int, int],
) -> Part:
  numbers = {name: number for number, name in enumerate(classes)}
  inputs = np.empty((len(members), *shape), np.uint8)
  rows: list[list[Box]] = []
  for parts in members:
    if reader.read(parts, inputs[len(rows)]):
      rows.append([(numbers[name], *where) for name, *where in boxes[parts]])  # type: ignore[misc]
  return Part(inputs[: len(rows)], padded(rows))
