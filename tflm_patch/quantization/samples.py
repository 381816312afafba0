# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Representative samples: arrays, `.npz` and `.npy` files, folders of images."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.quantization import images

MAX_SAMPLES = 512
_MAX_FILE_BYTES = 1 << 32
_IMAGE_KEYS = ('samples', 'x', 'x_test', 'x_train', 'images', 'data')

Shapes = Sequence[tuple[int, ...]]


def as_arrays(
  samples: Any, names: Sequence[str], shapes: Shapes, limit: int = MAX_SAMPLES
) -> list[np.ndarray]:
  """Samples as float32[n, ...] for every input of a model.

  Args:
    samples: An array for a model of one input; a sequence of arrays, or a mapping from
      names of inputs to arrays, for one of several.
    names, shapes: Of the model's inputs; shapes with batch 1.
    limit: No more than so many are used, spread evenly.

  Raises:
    TflmPatchError: an input has no samples, shapes or numbers of samples do not fit, or
      values are not finite.
  """
  given = _by_input(samples, names)
  arrays = [_checked(values, name, shape) for values, name, shape in zip(given, names, shapes)]
  counts = {len(array) for array in arrays}
  if len(counts) > 1:
    raise TflmPatchError(f'the inputs have {sorted(counts)} samples; give all the same number')
  count = counts.pop()
  if count == 0:
    raise TflmPatchError('there are no samples; give at least one, better a hundred')
  chosen = np.unique(np.linspace(0, count - 1, min(count, limit)).round().astype(int))
  arrays = [np.ascontiguousarray(array[chosen], np.float32) for array in arrays]
  for array, name in zip(arrays, names):
    if not np.all(np.isfinite(array)):
      raise TflmPatchError(f'samples of "{name}" have values that are not finite')
  return arrays


def _by_input(samples: Any, names: Sequence[str]) -> list[Any]:
  if isinstance(samples, Mapping):
    missing = [name for name in names if name not in samples]
    if missing and len(names) == 1:
      return [_only(samples, names[0])]
    if missing:
      raise TflmPatchError(f'there are no samples for "{missing[0]}"; give {", ".join(names)}')
    return [samples[name] for name in names]
  if isinstance(samples, (list, tuple)) and len(names) > 1:
    if len(samples) != len(names):
      raise TflmPatchError(
        f'the model has {len(names)} inputs ({", ".join(names)}), {len(samples)} were given'
      )
    return list(samples)
  if len(names) > 1:
    raise TflmPatchError(
      f'the model has {len(names)} inputs; give a dictionary of {", ".join(names)}'
    )
  return [samples]


def _only(samples: Mapping[str, Any], name: str) -> Any:
  """The array that a mapping holds for a model of one input."""
  keys = list(samples)
  if len(keys) == 1:
    return samples[keys[0]]
  known = [key for key in _IMAGE_KEYS if key in samples]
  if not known:
    raise TflmPatchError(f'none of {", ".join(keys)} is the input; name it "{name}" or "samples"')
  return samples[known[0]]


def _checked(values: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
  array = np.asarray(values)
  if array.dtype.kind not in 'biuf':
    raise TflmPatchError(f'samples of "{name}" are {array.dtype}; give numbers')
  wanted = shape[1:]
  if array.shape[1:] != wanted:
    if array.shape == wanted:
      return array[None]
    if wanted[-1:] == (1,) and array.shape[1:] == wanted[:-1]:
      return array[..., None]
    raise TflmPatchError(
      f'samples of "{name}" have shape {list(array.shape)}; the model takes '
      f'[n, {", ".join(map(str, wanted))}]'
    )
  return array


def load_samples(
  path: str | os.PathLike[str],
  names: Sequence[str],
  shapes: Shapes,
  pixel_range: tuple[float, float] = (0.0, 255.0),
  limit: int = MAX_SAMPLES,
) -> list[np.ndarray]:
  """Samples from a file or a folder, as `as_arrays` gives them.

  Args:
    path: A `.npz` (arrays by the names of inputs, or one), a `.npy`, or a folder of
      images, which may lie in folders of classes; other files are skipped.
    names, shapes: Of the model's inputs.
    pixel_range: What pixels 0 and 255 become.
    limit: At most so many.

  Raises:
    TflmPatchError: it cannot be read, or does not fit.
    EnvironmentMissing: images, and Pillow is absent.
  """
  path = pathlib.Path(path)
  try:
    if path.is_dir():
      samples: Any = _images(path, shapes, pixel_range, limit)
    else:
      samples = _arrays(path)
    return as_arrays(samples, names, shapes, limit)
  except EnvironmentMissing:
    raise
  except TflmPatchError as error:
    raise TflmPatchError(f'{path}: {error}') from None


def _arrays(path: pathlib.Path) -> Any:
  try:
    if not path.is_file():
      raise TflmPatchError('no such file or folder; give a .npz, a .npy or a folder of images')
    if path.stat().st_size > _MAX_FILE_BYTES:
      raise TflmPatchError(f'more than {_MAX_FILE_BYTES >> 30} GB; a few hundred samples suffice')
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
      return loaded
    with loaded:
      _check_size(loaded)
      return {key: loaded[key] for key in loaded.files}
  except TflmPatchError:
    raise
  except (OSError, ValueError, EOFError, KeyError, MemoryError) as error:
    text = ' '.join(str(error).split())[:160]
    raise TflmPatchError(
      f'cannot be read as .npz or .npy ({text}); write it with numpy.savez'
    ) from None
  except Exception as error:  # zipfile and its decompressors raise many kinds
    raise TflmPatchError(f'cannot be read as .npz ({type(error).__name__})') from None


def _check_size(archive: Any) -> None:
  unpacked = sum(entry.file_size for entry in archive.zip.infolist())
  if unpacked > _MAX_FILE_BYTES:
    raise TflmPatchError(
      f'unpacks to more than {_MAX_FILE_BYTES >> 30} GB; a few hundred samples suffice'
    )


def _images(
  folder: pathlib.Path, shapes: Shapes, pixel_range: tuple[float, float], limit: int
) -> np.ndarray:
  if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][3] not in (1, 3):
    raise TflmPatchError(
      "the model's input is no image of 1 or 3 channels; give a .npz instead of a folder"
    )
  files = sorted(each for each in folder.rglob('*') if each.suffix.lower() in images.SUFFIXES)
  if not files:
    raise TflmPatchError(f'no image in it (of {", ".join(images.SUFFIXES)})')
  chosen = [files[i] for i in np.unique(np.linspace(0, len(files) - 1, limit).round().astype(int))]
  decoded = [images.decode(each, each.name, shapes[0][1:]) for each in chosen]
  low, high = pixel_range
  return low + np.stack(decoded).astype(np.float32) * ((high - low) / 255)
