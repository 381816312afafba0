# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Operators of the model builder that move values and compute none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from support.model_core import ModelCore, options


class ShapeOps(ModelCore):
  """PAD, RESHAPE, CONCATENATION and the like: the quantization stays."""

  def pad(self, x: int, pads: Sequence[tuple[int, int]], value: int | None = None) -> int:
    """PAD, or PADV2 with a quantized value; `pads` has (before, after) per dimension."""
    shape = [size + before + after for size, (before, after) in zip(self.shape(x), pads)]
    inputs = [x, self.int32([list(each) for each in pads])]
    if value is not None:
      inputs.append(self.constant(np.array([value]), self.dtype(x), self.quantization(x)))
    return self.add_operator(
      'PAD' if value is None else 'PADV2',
      inputs,
      self._same(x, shape),
      options('PadOptions' if value is None else 'PadV2Options'),
    )

  def pad_spatial(self, x: int, top: int, bottom: int, left: int, right: int) -> int:
    return self.pad(x, [(0, 0), (top, bottom), (left, right), (0, 0)])

  def transpose(self, x: int, permutation: Sequence[int]) -> int:
    shape = [self.shape(x)[i] for i in permutation]
    return self.add_operator(
      'TRANSPOSE',
      (x, self.int32(list(permutation))),
      self._same(x, shape),
      options('TransposeOptions'),
    )

  def reshape(self, x: int, shape: Sequence[int]) -> int:
    return self.add_operator(
      'RESHAPE',
      (x, self.int32(list(shape))),
      self._same(x, shape),
      options('ReshapeOptions', newShape=list(shape)),
    )

  def squeeze(self, x: int, axes: Sequence[int]) -> int:
    shape = [size for i, size in enumerate(self.shape(x)) if i not in axes]
    return self.add_operator(
      'SQUEEZE', (x,), self._same(x, shape), options('SqueezeOptions', squeezeDims=list(axes))
    )

  def expand_dims(self, x: int, axis: int) -> int:
    shape = list(self.shape(x))
    shape.insert(axis, 1)
    return self.add_operator(
      'EXPAND_DIMS', (x, self.int32(axis)), self._same(x, shape), options('ExpandDimsOptions')
    )

  def resize_nearest(
    self, x: int, rows: int, cols: int, align_corners: bool = False, half_pixel: bool = False
  ) -> int:
    n, _, _, channels = self.shape(x)
    return self.add_operator(
      'RESIZE_NEAREST_NEIGHBOR',
      (x, self.int32([rows, cols])),
      self._same(x, (n, rows, cols, channels)),
      options(
        'ResizeNearestNeighborOptions', alignCorners=align_corners, halfPixelCenters=half_pixel
      ),
    )

  def resize_bilinear(
    self, x: int, rows: int, cols: int, align_corners: bool = False, half_pixel: bool = False
  ) -> int:
    n, _, _, channels = self.shape(x)
    return self.add_operator(
      'RESIZE_BILINEAR',
      (x, self.int32([rows, cols])),
      self._same(x, (n, rows, cols, channels)),
      options('ResizeBilinearOptions', alignCorners=align_corners, halfPixelCenters=half_pixel),
    )

  def concat(self, tensors: Sequence[int], axis: int = 3) -> int:
    """CONCATENATION; the tensors must have the quantization of the first one."""
    shape = list(self.shape(tensors[0]))
    shape[axis] = sum(self.shape(tensor)[axis] for tensor in tensors)
    return self.add_operator(
      'CONCATENATION',
      tensors,
      self._same(tensors[0], shape),
      options('ConcatenationOptions', axis=axis),
    )

  def pack(self, tensors: Sequence[int], axis: int) -> int:
    """PACK; the tensors must have the shape and the quantization of the first one."""
    shape = list(self.shape(tensors[0]))
    shape.insert(axis % (len(shape) + 1), len(tensors))
    return self.add_operator(
      'PACK',
      tensors,
      self._same(tensors[0], shape),
      options('PackOptions', axis=axis, valuesCount=len(tensors)),
    )

  def unpack(self, x: int, axis: int) -> list[int]:
    shape = list(self.shape(x))
    count = shape.pop(axis)
    parts = [self._same(x, shape) for _ in range(count)]
    self.add_operator('UNPACK', (x,), parts, options('UnpackOptions', axis=axis, num=count))
    return parts

  def gather(self, x: int, positions: Sequence[int] | int, axis: int) -> int:
    """GATHER of constant positions, in any number of dimensions."""
    index = np.asarray(positions)
    shape = self.shape(x)
    axis %= len(shape)
    return self.add_operator(
      'GATHER',
      (x, self.int32(index)),
      self._same(x, (*shape[:axis], *index.shape, *shape[axis + 1 :])),
      options('GatherOptions', axis=axis),
    )

  def gather_nd(self, x: int, indices: Sequence[Sequence[int]]) -> int:
    """GATHER_ND of constant indices into the leading dimensions."""
    index, shape = np.asarray(indices), self.shape(x)
    made = (*index.shape[:-1], *shape[index.shape[-1] :])
    fields = options('GatherNdOptions')
    return self.add_operator('GATHER_ND', (x, self.int32(index)), self._same(x, made), fields)

  def broadcast_to(self, x: int, shape: Sequence[int]) -> int:
    return self.add_operator(
      'BROADCAST_TO',
      (x, self.int32(list(shape))),
      self._same(x, shape),
      options('BroadcastToOptions'),
    )

  def mirror_pad(self, x: int, pads: Sequence[tuple[int, int]], symmetric: bool = False) -> int:
    """MIRROR_PAD, REFLECT or SYMMETRIC; `pads` has (before, after) per dimension."""
    shape = [size + before + after for size, (before, after) in zip(self.shape(x), pads)]
    return self.add_operator(
      'MIRROR_PAD',
      (x, self.int32([list(each) for each in pads])),
      self._same(x, shape),
      options('MirrorPadOptions', mode=int(symmetric)),
    )

  def reverse(self, x: int, axis: int) -> int:
    return self.add_operator(
      'REVERSE_V2',
      (x, self.int32([axis])),
      self._same(x, self.shape(x)),
      options('ReverseV2Options'),
    )

  def space_to_depth(self, x: int, block: int) -> int:
    n, rows, cols, channels = self.shape(x)
    return self.add_operator(
      'SPACE_TO_DEPTH',
      (x,),
      self._same(x, (n, rows // block, cols // block, channels * block * block)),
      options('SpaceToDepthOptions', blockSize=block),
    )

  def depth_to_space(self, x: int, block: int) -> int:
    n, rows, cols, channels = self.shape(x)
    return self.add_operator(
      'DEPTH_TO_SPACE',
      (x,),
      self._same(x, (n, rows * block, cols * block, channels // (block * block))),
      options('DepthToSpaceOptions', blockSize=block),
    )

  def split(self, x: int, count: int, axis: int = 3) -> list[int]:
    """SPLIT into parts of equal size."""
    size = self.shape(x)[axis] // count
    return self._split('SPLIT', x, [size] * count, axis)

  def split_v(self, x: int, sizes: Sequence[int], axis: int = 3) -> list[int]:
    return self._split('SPLIT_V', x, sizes, axis)

  def _split(self, opcode: str, x: int, sizes: Sequence[int], axis: int) -> list[int]:
    outputs = []
    for size in sizes:
      shape = list(self.shape(x))
      shape[axis] = size
      outputs.append(self._same(x, shape))
    if opcode == 'SPLIT':
      fields, inputs = options('SplitOptions', numSplits=len(sizes)), (self.int32(axis), x)
    else:
      fields = options('SplitVOptions', numSplits=len(sizes))
      inputs = (x, self.int32(list(sizes)), self.int32(axis))
    self.add_operator(opcode, inputs, outputs, fields)
    return outputs

  def strided_slice(
    self,
    x: int,
    begin: Sequence[int],
    end: Sequence[int],
    strides: Sequence[int],
    begin_mask: int = 0,
    end_mask: int = 0,
    shrink_mask: int = 0,
  ) -> int:
    """STRIDED_SLICE; negative indices and masks as in numpy's slices."""
    values = np.empty(self.shape(x))
    index: list[slice | int] = []
    for axis, (first, last, stride) in enumerate(zip(begin, end, strides)):
      if shrink_mask >> axis & 1:
        index.append(first)
        continue
      low = None if begin_mask >> axis & 1 else first
      index.append(slice(low, None if end_mask >> axis & 1 else last, stride))
    return self.add_operator(
      'STRIDED_SLICE',
      (x, self.int32(list(begin)), self.int32(list(end)), self.int32(list(strides))),
      self._same(x, values[tuple(index)].shape),
      options(
        'StridedSliceOptions', beginMask=begin_mask, endMask=end_mask, shrinkAxisMask=shrink_mask
      ),
    )

  def slice(self, x: int, begin: Sequence[int], size: Sequence[int]) -> int:
    """SLICE; a size of -1 takes what follows."""
    shape = [
      whole - first if count == -1 else count
      for first, count, whole in zip(begin, size, self.shape(x))
    ]
    return self.add_operator(
      'SLICE',
      (x, self.int32(list(begin)), self.int32(list(size))),
      self._same(x, shape),
      options('SliceOptions'),
    )

  def _same(self, x: int, shape: Sequence[int]) -> int:
    """A tensor of another shape with the values of x."""
    quantization = self.tensors[x].quantization
    index = self.tensor(shape, self.dtype(x), quantization)
    self._spread[index] = self.spread(x)
    return index
