# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Compares two models, byte for byte, in the real TFLM interpreter."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.types import DType, Model, Quantization, Tensor
from tflm_patch.runtime.isolated import IsolatedInterpreter
from tflm_patch.runtime.tflm import InterpreterError

Arrays = list[np.ndarray]


@dataclasses.dataclass(frozen=True)
class Mismatch:
  """The first difference found.

  Attributes:
    input: Which of the inputs compared, from 0.
    output: Which output of the model.
    position: Index into the flattened output.
    original, converted: The two values.
  """

  input: int
  output: int
  position: int
  original: int | float
  converted: int | float

  def __str__(self) -> str:
    return (
      f'input {self.input}, output {self.output}, element {self.position}: '
      f'{self.original} in the original, {self.converted} in the converted model'
    )


@dataclasses.dataclass(frozen=True)
class Comparison:
  """The result of a comparison.

  Attributes:
    inputs: How many inputs were compared.
    different: For how many of them an output differs.
    first: The first difference, None when there is none.
  """

  inputs: int
  different: int
  first: Mismatch | None

  @property
  def bit_exact(self) -> bool:
    """Whether all outputs are equal; False when nothing was compared."""
    return self.inputs > 0 and self.different == 0


class Tally:
  """Counts comparisons.

  Args:
    progress: Called with their number after each.
  """

  def __init__(self, progress: Callable[[int], None] | None) -> None:
    self._progress = progress
    self.compared = 0
    self._different = 0
    self._first: Mismatch | None = None

  def add(self, wanted: Arrays, made: Arrays) -> None:
    """Compares outputs."""
    mismatch = first_mismatch(self.compared, wanted, made)
    self._different += mismatch is not None
    self._first = self._first or mismatch
    self.compared += 1
    if self._progress is not None:
      self._progress(self.compared)

  def result(self) -> Comparison:
    """Of all."""
    return Comparison(self.compared, self._different, self._first)


@dataclasses.dataclass(frozen=True)
class IoAdapter:
  """Makes models of different input and output types comparable.

  Attributes:
    original_inputs: Inputs of the converted model to inputs of the original.
    original_outputs: Outputs of the converted model to outputs of the original.
  """

  original_inputs: Callable[[Sequence[np.ndarray]], Arrays]
  original_outputs: Callable[[Sequence[np.ndarray]], Arrays]


def compare(
  original: bytes,
  converted: bytes,
  inputs: Iterable[Sequence[np.ndarray]],
  adapter: IoAdapter | None = None,
  progress: Callable[[int], None] | None = None,
  names: tuple[str, str] = ('original model', 'converted model'),
) -> Comparison:
  """Runs both models on the same inputs and compares every byte of their outputs.

  Args:
    original: A .tflite file's bytes.
    converted: Likewise.
    inputs: One array per model input, each time, in the converted model's types.
    adapter: For models of different types, from `io_adapter`.
    progress: Called with the number of inputs compared so far.
    names: Of the two, for messages.

  Raises:
    EnvironmentMissing: the interpreter is not installed.
    InterpreterError: TFLM does not run one of the models, or not with these inputs.
    TflmPatchError: the two models' outputs cannot be compared.
  """
  tally = Tally(progress)
  with contextlib.ExitStack() as stack:
    with naming(names[0]):
      ours = stack.enter_context(IsolatedInterpreter(original))
    with naming(names[1]):
      theirs = stack.enter_context(IsolatedInterpreter(converted))
    for arrays in inputs:
      # Both at once: they run in processes of their own.
      theirs.begin(arrays)
      ours.begin(arrays if adapter is None else adapter.original_inputs(arrays))
      with naming(names[0]):
        wanted = ours.end()
      with naming(names[1]):
        made = theirs.end()
      if adapter is not None:
        made = adapter.original_outputs(made)
      tally.add(wanted, made)
  return tally.result()


@contextlib.contextmanager
def naming(name: str) -> Iterator[None]:
  """Says of which model TFLM complains, or on which it crashed."""
  try:
    yield
  except InterpreterError as error:
    raise InterpreterError(f'{name}: {error}') from error


def as_frames(converted: Model, original: Model) -> Model:
  """The converted model with the original's input shapes: whole frames in place of bands."""
  tensors = list(converted.main.tensors)
  for i, source in zip(converted.main.inputs, original.main.inputs):
    shape = original.main.tensors[source].shape
    tensors[i] = dataclasses.replace(tensors[i], shape=shape)
  main = dataclasses.replace(converted.main, tensors=tensors)
  return dataclasses.replace(converted, subgraphs=[main, *converted.subgraphs[1:]])


def first_mismatch(number: int, wanted: Arrays, made: Arrays) -> Mismatch | None:
  """The first byte that differs; `number` is the input's."""
  if len(wanted) != len(made):
    raise TflmPatchError(
      f'the models cannot be compared: {len(wanted)} outputs in the original, '
      f'{len(made)} in the converted model'
    )
  for output, (a, b) in enumerate(zip(wanted, made)):
    if a.dtype != b.dtype or a.shape != b.shape:
      raise TflmPatchError(
        f'the models cannot be compared: output {output} is {a.dtype} {list(a.shape)} in the '
        f'original, {b.dtype} {list(b.shape)} in the converted model'
      )
    unequal = np.flatnonzero((_bytes(a) != _bytes(b)).any(axis=1))
    if unequal.size:
      position = int(unequal[0])
      return Mismatch(number, output, position, a.flat[position].item(), b.flat[position].item())
  return None


def _bytes(array: np.ndarray) -> np.ndarray:
  """uint8 [elements, bytes of an element]: NaN and -0.0 are compared as they lie in memory."""
  return np.ascontiguousarray(array).reshape(-1).view(np.uint8).reshape(-1, array.itemsize)


def io_adapter(original: Model, converted: Model) -> IoAdapter | None:
  """How to compare a model with its conversion to 8-bit inputs and outputs.

  Where the original quantizes a float input and the converted model takes the
  quantized values, every quantized value q stands for the float scale * (q - zero_point).
  TFLM's QUANTIZE maps that float back to q, as the rounding of the product is far
  smaller than half a step: comparing on quantized inputs leaves no case out. Outputs of
  the converted model go through the arithmetic of TFLM's DEQUANTIZE, which maps
  different values to different floats.

  Returns:
    None when both models have the same types.

  Raises:
    TflmPatchError: the types differ in another way.
  """
  inputs = _pairs('input', original, original.main.inputs, converted, converted.main.inputs)
  outputs = _pairs('output', original, original.main.outputs, converted, converted.main.outputs)
  mapped_inputs = [_to_original('input', a, b) for a, b in inputs]
  mapped_outputs = [_to_original('output', a, b) for a, b in outputs]
  if all(a.dtype == b.dtype for a, b in inputs + outputs):
    return None

  def apply(maps: list[_ArrayMap], arrays: Sequence[np.ndarray]) -> Arrays:
    if len(maps) != len(arrays):
      raise TflmPatchError(f'{len(maps)} arrays are needed, {len(arrays)} were given')
    return [transform(array) for transform, array in zip(maps, arrays)]

  return IoAdapter(
    original_inputs=lambda arrays: apply(mapped_inputs, arrays),
    original_outputs=lambda arrays: apply(mapped_outputs, arrays),
  )


_ArrayMap = Callable[[np.ndarray], np.ndarray]


def _pairs(
  what: str, original: Model, first: Sequence[int], converted: Model, second: Sequence[int]
) -> list[tuple[Tensor, Tensor]]:
  if len(first) != len(second):
    raise TflmPatchError(
      f'the models cannot be compared: {len(first)} {what}s in the original, {len(second)} in '
      'the converted model'
    )
  return [
    (original.main.tensors[a], converted.main.tensors[b])
    for a, b in zip(first, second, strict=True)
  ]


def _to_original(what: str, original: Tensor, converted: Tensor) -> _ArrayMap:
  """Maps values of the converted model's tensor to those of the original's."""
  if original.dtype == converted.dtype:
    return np.asarray
  mine, theirs = converted.quantization, original.quantization
  if original.dtype == DType.FLOAT32 and mine is not None and mine.per_tensor:
    return lambda array: _dequantize(array, mine)
  if (
    mine is not None
    and theirs is not None
    and mine.per_tensor
    and theirs.per_tensor
    and mine.scale == theirs.scale
    and {original.dtype, converted.dtype} == {DType.INT8, DType.UINT8}
  ):
    offset = theirs.zero_point - mine.zero_point
    if abs(offset) == 128:
      dtype = np.dtype(original.dtype.numpy)
      return lambda array: (array.astype(np.int32) + offset).astype(dtype)
  raise TflmPatchError(
    f'the models cannot be compared: {what} "{original.name}" is {original.dtype.name.lower()} '
    f'in the original, {converted.dtype.name.lower()} in the converted model'
  )


def _dequantize(array: np.ndarray, quantization: Quantization) -> np.ndarray:
  """As TFLM's DEQUANTIZE: the product in double precision, rounded once to float32."""
  steps = array.astype(np.float64) - quantization.zero_point
  return (np.float64(quantization.scale) * steps).astype(np.float32)
