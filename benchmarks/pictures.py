# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a tar file whose folders are classes, decoded once."""

from __future__ import annotations

import dataclasses
import io
import os
import pathlib
import tarfile

import numpy as np
from PIL import Image

_ROOT = pathlib.Path(__file__).resolve().parents[1]
DATA = pathlib.Path(os.environ.get('TFLM_PATCH_DATA', _ROOT.parent / 'shared' / 'data'))
CACHE = _ROOT / '.build' / 'pictures'
_SUFFIXES = ('.jpg', '.jpeg', '.png')


@dataclasses.dataclass(frozen=True)
class Pictures:
  """uint8[n, side, side, channels] and labels int64[n], in the order of the files' names."""

  images: np.ndarray
  labels: np.ndarray


def load(tar: pathlib.Path, folder: str, side: int, gray: bool = False) -> Pictures:
  """The pictures below a folder of a tar file, whose sub-folders are the classes.

  Args:
    tar: Of JPEG or PNG pictures.
    folder: In it, such as 'cifar10/train'.
    side: Pictures are made so large; the shape is not kept.
    gray: One channel instead of three.

  Raises:
    SystemExit: there is no such file, or nothing in that folder.
  """
  mode = 'L' if gray else 'RGB'
  cached = CACHE / f'{folder.replace("/", "_")}_{side}_{mode}.npz'
  if cached.exists():
    with np.load(cached, allow_pickle=False) as file:
      return Pictures(file['images'], file['labels'])
  if not tar.exists():
    raise SystemExit(f'{tar}: not there; set TFLM_PATCH_DATA to the folder of the data')
  names, images = [], {}
  with tarfile.open(tar) as archive:
    for member in archive:
      path = pathlib.PurePosixPath(member.name)
      if str(path.parent.parent) != folder or path.suffix.lower() not in _SUFFIXES:
        continue
      data = archive.extractfile(member)
      if data is None:
        continue
      picture = Image.open(io.BytesIO(data.read())).convert(mode)
      if picture.size != (side, side):
        picture = picture.resize((side, side), Image.Resampling.BILINEAR)
      names.append(path)
      images[path] = np.asarray(picture).reshape(side, side, -1)
  if not names:
    raise SystemExit(f'{tar}: no pictures in {folder}')
  names.sort()
  classes = sorted({path.parent.name for path in names})
  found = Pictures(
    np.stack([images[path] for path in names]),
    np.array([classes.index(path.parent.name) for path in names]),
  )
  CACHE.mkdir(parents=True, exist_ok=True)
  part = cached.with_suffix('.part.npz')
  np.savez(part, images=found.images, labels=found.labels)
  part.replace(cached)
  return found


def moved(images: np.ndarray, rng: np.random.Generator, flip: bool, shift: int) -> np.ndarray:
  """Copies of pictures, moved by up to `shift` cells, half of them mirrored.

  Args:
    images: [n, rows, columns, channels].
    rng: Where chance comes from.
    flip: Whether a mirrored picture shows the same thing.
    shift: Cells beyond the edge repeat it.
  """
  n, rows, columns = images.shape[:3]
  wide = np.pad(images, ((0, 0), (shift, shift), (shift, shift), (0, 0)), mode='edge')
  made = np.empty_like(images)
  offsets = rng.integers(0, 2 * shift + 1, (n, 2))
  for down in range(2 * shift + 1):
    for right in range(2 * shift + 1):
      chosen = np.flatnonzero((offsets[:, 0] == down) & (offsets[:, 1] == right))
      made[chosen] = wide[chosen, down : down + rows, right : right + columns]
  if flip:
    mirrored = rng.random(n) < 0.5
    made[mirrored] = made[mirrored, :, ::-1]
  return made
