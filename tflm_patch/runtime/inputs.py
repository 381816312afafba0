# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Inputs to compare two models with: extremes, patterns and noise."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import open_regular
from tflm_patch.graph.types import DType, Model, Tensor

_QUANTIZED = (DType.INT8, DType.UINT8, DType.INT16)
# Of a float input that nothing quantizes: most models are fed -1 .. 1.
_DEFAULT_SCALE = 2.0 / 255
_HEADERS = {
  (1, 0): np.lib.format.read_array_header_1_0,
  (2, 0): np.lib.format.read_array_header_2_0,
}
# Standard deviation of Gaussian noise, in steps of an 8-bit range.
_NOISE = 40.0
# How far a float input leaves the quantized range, in parts of it.
_OVERSHOOT = 0.25


@dataclasses.dataclass(frozen=True)
class _Range:
  """The quantized range that an input's values are drawn from.

  Attributes:
    low, high: Ends of the range; high - low is at least 1.
    zero: The zero point.
    scale: Size of a step for a float input, None for an integer input, whose
      values are the steps themselves.
  """

  low: int
  high: int
  zero: int
  scale: float | None


def _low(values: _Range, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
  return np.full(shape, values.low)


def _high(values: _Range, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
  return np.full(shape, values.high)


def _zero(values: _Range, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
  return np.full(shape, values.zero)


def _ramp(values: _Range, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
  """From low to high, over all elements."""
  return np.linspace(values.low, values.high, int(np.prod(shape))).reshape(shape)


def _falling_ramp(
  values: _Range, shape: tuple[int, ...], random: np.random.Generator
) -> np.ndarray:
  return _ramp(values, shape, random).ravel()[::-1].reshape(shape)


def _saw(values: _Range, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
  """Every value of the range, again and again."""
  span = values.high - values.low + 1
  return values.low + np.arange(int(np.prod(shape))).reshape(shape) % span


def _checkerboard(
  values: _Range, shape: tuple[int, ...], random: np.random.Generator
) -> np.ndarray:
  """Low and high in turn along every dimension."""
  odd = np.indices(shape).sum(axis=0) % 2 if shape else np.zeros((), int)
  return np.where(odd == 1, values.high, values.low)


def _stripes(values: _Range, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
  """Low and high in turn along the second dimension, the rows of an image."""
  if len(shape) < 2:
    return _checkerboard(values, shape, random)
  odd = np.indices(shape)[1] % 2
  return np.where(odd == 1, values.high, values.low)


def _impulse(values: _Range, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
  """Zero but for one element."""
  result = np.full(shape, values.zero)
  result.flat[int(random.integers(result.size))] = values.high
  return result


def _uniform(values: _Range, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
  return random.integers(values.low, values.high, shape, endpoint=True)


def _gaussian(values: _Range, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
  deviation = _NOISE * (values.high - values.low) / 255
  return np.clip(random.normal(values.zero, deviation, shape), values.low, values.high)


def _binary(values: _Range, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
  return np.where(random.integers(0, 2, shape) == 1, values.high, values.low)


_Pattern = Callable[[_Range, tuple[int, ...], np.random.Generator], np.ndarray]
_FIXED: tuple[_Pattern, ...] = (
  _low,
  _high,
  _zero,
  _ramp,
  _falling_ramp,
  _saw,
  _checkerboard,
  _stripes,
  _impulse,
  _binary,
)
_NOISES: tuple[_Pattern, ...] = (_uniform, _gaussian)


def load_inputs(path: str | os.PathLike[str], model: Model) -> list[list[np.ndarray]]:
  """Inputs from a `.npy` file, for a model of one input.

  The values stay in the file until they are used; its header is checked before any
  memory is asked for.

  Args:
    path: Holds an array [n, ...] of the input's shape, or a single one of that shape.
    model: Its first subgraph's only input is filled.

  Raises:
    TflmPatchError: the file cannot be read, or does not fit the model.
  """
  name = os.fspath(path)
  if len(model.main.inputs) != 1:
    raise TflmPatchError(f'{name}: the model has {len(model.main.inputs)} inputs; use a number')
  tensor = model.main.tensors[model.main.inputs[0]]
  values = _mapped(name)
  if values.dtype != tensor.dtype.numpy:
    raise TflmPatchError(
      f'{name}: holds {values.dtype}; the model takes {tensor.dtype.name.lower()}'
    )
  if values.size == 0 or values.size % tensor.elements or values.shape[-1:] != tensor.shape[-1:]:
    raise TflmPatchError(
      f'{name}: shape {list(values.shape)}; the model takes [n, {list(tensor.shape[1:])}]'
    )
  return [[value] for value in values.reshape(-1, *tensor.shape)]


def load_stream(path: str | os.PathLike[str], model: Model) -> np.ndarray | None:
  """The rows of a stream [1, rows, ...] in a `.npy` file, longer than the model's window.

  Args:
    path: Holds an array [rows, ...] of the rows of the model's only input [1, window, ...].
    model: Of whole windows.

  Returns:
    None where the file holds no such rows; it may hold windows, see `load_inputs`.

  Raises:
    TflmPatchError: the file cannot be read.
  """
  tensor = model.main.tensors[model.main.inputs[0]]
  values = _mapped(os.fspath(path))
  is_stream = values.dtype == tensor.dtype.numpy and values.shape[1:] == tensor.shape[2:]
  return values[None] if is_stream and len(values) >= tensor.shape[1] else None


def _mapped(name: str) -> np.ndarray:
  """The array of a `.npy` file, read as it is used."""
  try:
    with open_regular(name) as file:
      _check_header(file)
    return np.load(name, mmap_mode='r', allow_pickle=False)
  except (OSError, ValueError, EOFError) as error:
    reason = getattr(error, 'strerror', None) or error
    raise TflmPatchError(
      f'{name}: cannot be read as .npy ({reason}); save one with numpy.save'
    ) from error


def _check_header(file: BinaryIO) -> None:
  """Raises a ValueError when a file is no `.npy`, or is shorter than its header says."""
  version = np.lib.format.read_magic(file)
  if version not in _HEADERS:
    raise ValueError(f'version {version} of the format is not known')
  shape, _, dtype = _HEADERS[version](file)
  if dtype.hasobject:
    raise ValueError('it holds Python objects')
  wanted = math.prod(shape) * dtype.itemsize
  there = os.fstat(file.fileno()).st_size - file.tell()
  if wanted != there:
    raise ValueError(f'its header says {list(shape)}, {wanted} bytes, but {there} follow')


def sample_inputs(model: Model, count: int, seed: int = 0) -> Iterator[list[np.ndarray]]:
  """Yields inputs for a model: patterns first, then noise; the same for the same seed.

  The patterns are: all low, all high, zero point, ramps, every value in turn,
  checkerboard, stripes, an impulse, random extremes. Float inputs are drawn around the
  range of the QUANTIZE that reads them, with values between the steps and beyond the
  ends; without one, around -1 .. 1.

  Args:
    model: Its first subgraph's inputs are filled. To compare a model with its conversion
      give the original, which shows the QUANTIZE of its inputs; with an `IoAdapter` the
      converted one.
    count: How many inputs to yield.
    seed: Of the noise.

  Yields:
    One array per input of the model, of its type and shape.
  """
  random = np.random.default_rng(seed)
  tensors = [model.main.tensors[index] for index in model.main.inputs]
  ranges = [_range(model, index) for index in model.main.inputs]
  for number in range(count):
    if number < len(_FIXED):
      pattern = _FIXED[number]
    else:
      pattern = _NOISES[(number - len(_FIXED)) % len(_NOISES)]
    yield [
      _values(pattern, number, tensor, values, random) for tensor, values in zip(tensors, ranges)
    ]


def _values(
  pattern: _Pattern, number: int, tensor: Tensor, values: _Range | None, random: np.random.Generator
) -> np.ndarray:
  dtype = tensor.dtype.numpy
  assert dtype is not None
  if values is None:
    # An index or a flag: small numbers are valid for all that reads such inputs.
    return random.integers(0, 2, tensor.shape).astype(dtype)
  steps = pattern(values, tensor.shape, random)
  if values.scale is None:
    return np.rint(steps).astype(dtype)
  if number >= len(_FIXED):
    # Real inputs lie between the steps, and some beyond the ends.
    steps = steps + random.uniform(-0.5, 0.5, tensor.shape)
    middle = (values.low + values.high) / 2
    steps = middle + (steps - middle) * (1 + _OVERSHOOT)
  return (np.float32(values.scale) * (steps - values.zero)).astype(dtype)


def _range(model: Model, index: int) -> _Range | None:
  """The range of an input; None for one that is neither quantized nor float."""
  tensor = model.main.tensors[index]
  if tensor.dtype in _QUANTIZED:
    return _quantized_range(tensor, scale=None)
  if tensor.dtype not in (DType.FLOAT32, DType.FLOAT64, DType.FLOAT16):
    return None
  for operator in model.main.operators:
    if operator.opcode == 'QUANTIZE' and operator.inputs[:1] == (index,):
      quantized = model.main.tensors[operator.outputs[0]]
      if quantized.dtype in _QUANTIZED and quantized.quantization is not None:
        return _quantized_range(quantized, scale=quantized.quantization.scale)
  return _Range(low=-128, high=127, zero=0, scale=_DEFAULT_SCALE)


def _quantized_range(tensor: Tensor, scale: float | None) -> _Range:
  limits = np.iinfo(np.dtype(tensor.dtype.numpy))
  zero = tensor.quantization.zero_point if tensor.quantization is not None else 0
  return _Range(limits.min, limits.max, int(np.clip(zero, limits.min, limits.max)), scale)
