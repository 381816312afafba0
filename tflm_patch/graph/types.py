# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The graph: a model as small typed dataclasses.

Tensors are addressed by their index in `Subgraph.tensors`, as in the
flatbuffer. What the tool does not interpret (builtin options, sparsity,
variant types, signatures, metadata) is carried along as the schema's own
object-API objects, so that reading and writing changes no meaning.
"""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

import numpy as np


class DType(enum.IntEnum):
  """Tensor types, numbered as in the TFLite schema."""

  FLOAT32 = 0
  FLOAT16 = 1
  INT32 = 2
  UINT8 = 3
  INT64 = 4
  STRING = 5
  BOOL = 6
  INT16 = 7
  COMPLEX64 = 8
  INT8 = 9
  FLOAT64 = 10
  COMPLEX128 = 11
  UINT64 = 12
  RESOURCE = 13
  VARIANT = 14
  UINT32 = 15
  UINT16 = 16
  INT4 = 17
  BFLOAT16 = 18
  INT2 = 19
  UINT4 = 20

  @property
  def numpy(self) -> np.dtype[Any] | None:
    """The numpy type of the same layout, None where numpy has none."""
    return _NUMPY.get(self)

  @property
  def bytes(self) -> int | None:
    """Bytes of one element, None for packed or variable-size types."""
    dtype = self.numpy
    return None if dtype is None else dtype.itemsize


_NUMPY: dict[DType, np.dtype[Any]] = {
  DType.FLOAT32: np.dtype('<f4'),
  DType.FLOAT16: np.dtype('<f2'),
  DType.INT32: np.dtype('<i4'),
  DType.UINT8: np.dtype('u1'),
  DType.INT64: np.dtype('<i8'),
  DType.BOOL: np.dtype('bool'),
  DType.INT16: np.dtype('<i2'),
  DType.COMPLEX64: np.dtype('<c8'),
  DType.INT8: np.dtype('i1'),
  DType.FLOAT64: np.dtype('<f8'),
  DType.COMPLEX128: np.dtype('<c16'),
  DType.UINT64: np.dtype('<u8'),
  DType.UINT32: np.dtype('<u4'),
  DType.UINT16: np.dtype('<u2'),
}


@dataclasses.dataclass(frozen=True)
class Quantization:
  """Affine quantization: real = scale * (value - zero_point).

  Attributes:
    scales: float32[n], n is 1 (per tensor) or the size of dimension `axis`.
    zero_points: int64[n].
    axis: The quantized dimension; meaningful when n > 1.
  """

  scales: np.ndarray
  zero_points: np.ndarray
  axis: int = 0

  @property
  def per_tensor(self) -> bool:
    return self.scales.size == 1

  @property
  def scale(self) -> float:
    """The scale of a per-tensor quantization, as a float32 value."""
    return float(self.scales[0])

  @property
  def zero_point(self) -> int:
    return int(self.zero_points[0])


@dataclasses.dataclass
class Tensor:
  """A tensor of a subgraph.

  Attributes:
    name: As in the file, decoded with errors replaced.
    shape: () for a scalar or when the file has no shape.
    dtype: Element type.
    data: The constant's raw bytes (uint8, read-only view), None when the tensor
      is computed at run time. An empty constant is None, as in TFLite.
    quantization: None when the tensor has no scales.
    is_variable: Keeps its value between invocations.
    origin: The schema's TensorT that the tensor was read from (None when made
      by the tool); carries what is not interpreted here.
  """

  name: str
  shape: tuple[int, ...]
  dtype: DType
  data: np.ndarray | None = None
  quantization: Quantization | None = None
  is_variable: bool = False
  origin: Any = None

  @property
  def is_constant(self) -> bool:
    return self.data is not None

  @property
  def elements(self) -> int:
    count = 1
    for dim in self.shape:
      count *= dim
    return count

  @property
  def bytes(self) -> int:
    """Bytes of the dense tensor; 0 for types without a fixed element size."""
    return self.elements * (self.dtype.bytes or 0)

  @property
  def is_dense(self) -> bool:
    """Whether it is a constant stored value by value, int4 two to a byte."""
    if self.data is None:
      return False
    if self.dtype == DType.INT4:
      return self.data.size == (self.elements + 1) // 2
    return self.dtype.numpy is not None and self.data.size == self.bytes

  def array(self) -> np.ndarray:
    """The constant as an array of its shape and type, int4 as int8.

    Raises:
      ValueError: the tensor is no constant, or its bytes do not fit its shape.
    """
    if self.dtype == DType.INT4 and self.data is not None:
      return unpacked_int4(self.data, self.elements).reshape(self.shape)
    if self.data is None or self.dtype.numpy is None:
      raise ValueError(f'tensor "{self.name}" holds no constant array')
    return self.data.view(self.dtype.numpy).reshape(self.shape)


def unpacked_int4(data: np.ndarray, count: int) -> np.ndarray:
  """int8[count] of uint8 bytes of two values each, the low half first.

  Raises:
    ValueError: there are not as many bytes.
  """
  if data.size != (count + 1) // 2:
    raise ValueError(f'{data.size} bytes hold no {count} int4 values')
  halves = np.stack([data << 4, data & 0xF0], axis=1).astype(np.uint8)
  return (halves.reshape(-1)[:count].view(np.int8) >> 4).astype(np.int8)


def packed_int4(values: np.ndarray) -> np.ndarray:
  """uint8 bytes of int8 values of -8..7, two to a byte, the low half first."""
  flat = np.asarray(values, np.int8).reshape(-1).view(np.uint8) & 0x0F
  flat = np.append(flat, np.zeros(flat.size % 2, np.uint8))
  return (flat[0::2] | flat[1::2] << 4).astype(np.uint8)


@dataclasses.dataclass
class Operator:
  """An operator of a subgraph.

  Attributes:
    opcode: Builtin name as in the schema ('CONV_2D'), 'CUSTOM' for custom ones.
    inputs: Tensor indices, -1 for an absent optional input.
    outputs: Tensor indices.
    options: The schema's builtin options object (e.g. Conv2DOptionsT) or None.
    custom_name: Name of a custom operator.
    custom_options: Bytes of a custom operator's options.
    version: The operator's version in the schema's sense.
    explicit_padding: Rows and columns (top, bottom, left, right) of a PAD that was
      folded into this operator; only a stage can hold such an operator.
    origin: The schema's OperatorT it was read from, None when made by the tool.
  """

  opcode: str
  inputs: tuple[int, ...]
  outputs: tuple[int, ...]
  options: Any = None
  custom_name: str | None = None
  custom_options: bytes = b''
  version: int = 1
  explicit_padding: tuple[int, int, int, int] | None = None
  origin: Any = None


@dataclasses.dataclass
class Subgraph:
  """A subgraph; operators are in execution order."""

  tensors: list[Tensor]
  operators: list[Operator]
  inputs: tuple[int, ...]
  outputs: tuple[int, ...]
  name: str = ''
  origin: Any = None


@dataclasses.dataclass
class Model:
  """A model.

  Attributes:
    subgraphs: Subgraph 0 is the one that TFLM runs first.
    description: As in the file.
    metadata: Pairs of name and bytes (a uint8 array), in the file's order.
    signatures: The schema's SignatureDefT objects.
    origin: The schema's ModelT, None when made by the tool.
    trailer: Bytes behind the flatbuffer (an associated-file zip).
    source: The file's path for messages, '' when made in memory.
    file_bytes: Size of the file it was read from, 0 when made in memory.
    outside: How many buffers and custom options the file held outside the flatbuffer, where
      TFLM does not look; here they are like any others.
  """

  subgraphs: list[Subgraph]
  description: str = ''
  metadata: list[tuple[str, np.ndarray]] = dataclasses.field(default_factory=list)
  signatures: list[Any] = dataclasses.field(default_factory=list)
  origin: Any = None
  trailer: bytes = b''
  source: str = ''
  file_bytes: int = 0
  outside: int = 0

  @property
  def main(self) -> Subgraph:
    return self.subgraphs[0]
