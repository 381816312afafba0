# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_BATCH_ND, convolution, BATCH_TO_SPACE_ND: one dilated convolution.

TensorFlow writes a dilated convolution as one over b interleaved images: row j of image
r is row j * b + r of the padded map. Output row j of image r is row j * b + r before the
crop, and tap i of a window with dilation d and padding p reads row (j + i * d - p) * b + r
of the padded map. In rows o of the output and h of the input (crop c, padding q):

  h = o + c - q - p * b + i * d * b

which is a convolution of dilation d * b and padding q + p * b - c. Rows that lie outside
are the zero point in both.

Where TFLM's own result is undefined, an activation after BATCH_TO_SPACE_ND is fused, too: an
export with batch size 1, which has no such chain, quantizes only what comes out of it.
"""

from __future__ import annotations

import copy
import dataclasses

from tflm_patch.conversion.plugins import Context, Rewritten, register
from tflm_patch.graph import edit as graph_edit
from tflm_patch.graph.types import DType, Operator, Subgraph, Tensor

_CONVOLUTIONS = ('CONV_2D', 'DEPTHWISE_CONV_2D')
_RESHAPES = ('RESHAPE', 'EXPAND_DIMS', 'SQUEEZE')
_SAME, _VALID = 0, 1
_MAX_DILATION = (1 << 15) - 1  # an int16 in TFLM's ConvParams
_ACTIVATIONS = {'RELU': 1, 'RELU_N1_TO_1': 2, 'RELU6': 3}

_UNDEFINED = (
  "TFLM's result of the original is undefined: {why}. The dilated convolution computes what "
  'the chain stands for, as in an export with batch size 1 '
  '(keras.Input(batch_size=1))'
)
_LOST_BATCH = (
  'the file names a smaller batch than SPACE_TO_BATCH_ND makes, so TFLM computes a part of '
  'the map and leaves the rest as it lies in memory'
)
_RANDOM_PADDING = "TFLM's SPACE_TO_BATCH_ND pads with a value that it never sets"


@dataclasses.dataclass(frozen=True)
class Axis:
  """Rows or columns of the chain.

  Attributes:
    size, made: Of the input and of the output.
    block: Of both ends.
    pads, crops: (before, after) of SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND.
    kernel, dilation: Of the convolution.
    same: Whether it pads for itself.
  """

  size: int
  made: int
  block: int
  pads: tuple[int, int]
  crops: tuple[int, int]
  kernel: int
  dilation: int
  same: bool

  @property
  def images_rows(self) -> int | None:
    """Rows of each image, None when the block does not divide the padded rows."""
    padded = self.size + sum(self.pads)
    return padded // self.block if padded % self.block == 0 else None

  @property
  def total_dilation(self) -> int:
    return self.dilation * self.block if self.kernel > 1 else 1

  def folded_pads(self) -> tuple[int, int] | None:
    """(before, after) of the dilated convolution; None when it does not exist."""
    rows = self.images_rows
    if rows is None or self.total_dilation > _MAX_DILATION:
      return None
    reach = (self.kernel - 1) * self.dilation
    own = reach if self.same else 0
    if (rows + own - reach) * self.block - sum(self.crops) != self.made:
      return None
    before = self.pads[0] + own // 2 * self.block - self.crops[0]
    after = self.made + reach * self.block - self.size - before
    return (before, after) if min(before, after, *self.pads, *self.crops) >= 0 else None


@dataclasses.dataclass(frozen=True)
class Chain:
  """Operators from SPACE_TO_BATCH_ND to BATCH_TO_SPACE_ND, and what they come to.

  Attributes:
    operators: Their indices.
    convolution: The index of the convolution.
    axes: Rows and columns of the convolution's maps.
    spread: Position of the one dimension that the convolution's maps have and the
      chain's ends have not, None when they have the same rank.
  """

  operators: tuple[int, ...]
  convolution: int
  axes: tuple[Axis, Axis]
  spread: int | None


@register('fold_dilation', priority=15)
class FoldDilation:
  """A convolution between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND becomes a dilated one."""

  def match(self, graph: Subgraph, index: int, context: Context) -> Chain | None:
    """The chain, when paddings and crops cancel."""
    del context
    if not _is_end(graph, index, 'SPACE_TO_BATCH_ND'):
      return None
    operators = _follow(graph, index)
    if operators is None:
      return None
    convolution = next(i for i in operators if graph.operators[i].opcode in _CONVOLUTIONS)
    spread = _spread(graph, operators, convolution)
    axes = _axes(graph, operators, convolution, spread)
    if axes is None or any(axis.folded_pads() is None for axis in axes):
      return None
    return Chain(operators, convolution, axes, None if spread == _NO_SPREAD else spread)

  def transform(self, graph: Subgraph, match: Chain) -> Rewritten:
    """The dilated convolution takes the place of the chain."""
    first, last = graph.operators[match.operators[0]], graph.operators[match.operators[-1]]
    note = _why_undefined(graph, first, match.axes)
    convolution, at = graph.operators[match.convolution], match.operators[-1]
    dilated = _dilated(convolution, match.axes)
    source, target = first.inputs[0], last.outputs[0]
    if note:
      _fuse_activation(graph, dilated, target)
    operators, made = [], target
    if match.spread is not None:
      shape = _spread_shape(graph.tensors[source].shape, match.spread)
      source = _reshaped(graph, source, shape)
      operators.append(graph_edit.reshape(graph, first.inputs[0], source))
      made = _reshaped(graph, target, _spread_shape(graph.tensors[target].shape, match.spread))
    dilated.inputs, dilated.outputs = (source, *convolution.inputs[1:]), (made,)
    operators.append(dilated)
    if match.spread is not None:
      operators.append(graph_edit.reshape(graph, made, target))
    # After what the convolution reads, and before what reads it.
    graph.operators[at + 1 : at + 1] = operators
    graph_edit.remove(graph, *match.operators)
    rows, cols = (axis.total_dilation for axis in match.axes)
    return Rewritten(
      f'{convolution.opcode} of dilation {rows}x{cols} to {list(graph.tensors[target].shape)}', note
    )


_NO_SPREAD = -1


def _fuse_activation(graph: Subgraph, convolution: Operator, made: int) -> None:
  """Fuses the activation that alone reads the chain's output; a reshape takes its place."""
  path = [made]
  reader = graph_edit.only_reader(graph, made)
  while reader is not None and graph.operators[reader].opcode in _RESHAPES:
    path.append(graph.operators[reader].outputs[0])
    reader = graph_edit.only_reader(graph, path[-1])
  if reader is None or convolution.options.fusedActivationFunction:
    return
  operator = graph.operators[reader]
  if operator.opcode not in _ACTIVATIONS or len(operator.outputs) != 1:
    return
  source, target = graph.tensors[path[-1]], graph.tensors[operator.outputs[0]]
  fused = target.quantization
  if fused is None or not fused.per_tensor:
    return
  if (source.shape, source.dtype) != (target.shape, target.dtype):
    return
  convolution.options.fusedActivationFunction = _ACTIVATIONS[operator.opcode]
  for t in path:
    graph.tensors[t] = dataclasses.replace(graph.tensors[t], quantization=fused)
  graph.operators[reader] = graph_edit.reshape(graph, path[-1], operator.outputs[0])


def _is_end(graph: Subgraph, index: int, opcode: str) -> bool:
  """Whether an operator is such a one, of constant block and padding, as TFLM runs it."""
  operator = graph.operators[index]
  if operator.opcode != opcode or not graph_edit.has_operands(operator, 3):
    return False
  source, target = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
  spatial = len(source.shape) - 2
  blocks, pads = (graph_edit.int32_constant(graph, t) for t in operator.inputs[1:3])
  if blocks is None or pads is None or spatial not in (1, 2):
    return False
  return (
    (len(blocks), len(pads)) == (spatial, 2 * spatial)
    and min(blocks) >= 1
    and len(target.shape) == len(source.shape)
    and source.dtype == target.dtype == DType.INT8
    and not source.is_constant
    and graph_edit.same_quantization(source.quantization, target.quantization)
  )


def _follow(graph: Subgraph, index: int) -> tuple[int, ...] | None:
  """Indices from SPACE_TO_BATCH_ND over one convolution to BATCH_TO_SPACE_ND."""
  chain, convolutions = [index], 0
  while True:
    reader = graph_edit.only_reader(graph, graph.operators[chain[-1]].outputs[0])
    if reader is None:
      return None
    operator = graph.operators[reader]
    if len(operator.outputs) != 1 or operator.inputs[0] != graph.operators[chain[-1]].outputs[0]:
      return None
    chain.append(reader)
    if operator.opcode == 'BATCH_TO_SPACE_ND':
      fits = convolutions == 1 and _is_end(graph, reader, operator.opcode)
      return tuple(chain) if fits else None
    if operator.opcode in _CONVOLUTIONS:
      convolutions += 1
      if not _is_plain_convolution(graph, operator):
        return None
    elif operator.opcode not in _RESHAPES or len(chain) > 8:
      return None


def _is_plain_convolution(graph: Subgraph, operator: Operator) -> bool:
  """Of stride 1, over maps of rank 4, without padding that was folded into it."""
  options = operator.options
  strides = tuple(getattr(options, name, 0) for name in ('strideH', 'strideW'))
  if not graph_edit.has_operands(operator, 2) or strides != (1, 1):
    return False
  ranks = {len(graph.tensors[t].shape) for t in (*operator.inputs[:2], operator.outputs[0])}
  return ranks == {4} and operator.explicit_padding is None


def _spread(graph: Subgraph, operators: tuple[int, ...], convolution: int) -> int | None:
  """Where the convolution's maps have a dimension of 1 more; None when neither fits."""
  ends = graph.tensors[graph.operators[operators[0]].outputs[0]].shape
  inner = graph.tensors[graph.operators[convolution].inputs[0]].shape
  if ends == inner:
    return _NO_SPREAD
  return next((at for at in (1, 2) if _spread_shape(ends, at) == inner), None)


def _spread_shape(shape: tuple[int, ...], at: int) -> tuple[int, ...]:
  return (*shape[:at], 1, *shape[at:])


def _axes(
  graph: Subgraph, operators: tuple[int, ...], convolution: int, spread: int | None
) -> tuple[Axis, Axis] | None:
  """Rows and columns; None when shapes in the chain are not what they must be."""
  if spread is None:
    return None
  first, last = graph.operators[operators[0]], graph.operators[operators[-1]]
  inner = graph.operators[convolution]
  blocks, pads = (graph_edit.constant(graph, t) or [] for t in first.inputs[1:3])
  others, crops = (graph_edit.constant(graph, t) or [] for t in last.inputs[1:3])
  source, target = graph.tensors[first.inputs[0]].shape, graph.tensors[last.outputs[0]].shape
  if blocks != others or source[0] != 1 or target[0] != 1:
    return None
  if spread != _NO_SPREAD:
    source, target = _spread_shape(source, spread), _spread_shape(target, spread)
    blocks, pads, crops = list(blocks), list(pads), list(crops)
    blocks[spread - 1 : spread - 1] = [1]
    pads[2 * spread - 2 : 2 * spread - 2] = [0, 0]
    crops[2 * spread - 2 : 2 * spread - 2] = [0, 0]
  made = graph.tensors[inner.outputs[0]].shape
  ends = graph.tensors[last.inputs[0]].shape
  if (ends if spread == _NO_SPREAD else _spread_shape(ends, spread)) != made:
    return None
  if made[3] != target[3] or made[0] != graph.tensors[inner.inputs[0]].shape[0]:
    return None
  weights = graph.tensors[inner.inputs[1]].shape
  axes = []
  for i, dilation in enumerate(('dilationHFactor', 'dilationWFactor')):
    axis = Axis(
      size=source[i + 1],
      made=target[i + 1],
      block=blocks[i],
      pads=(pads[2 * i], pads[2 * i + 1]),
      crops=(crops[2 * i], crops[2 * i + 1]),
      kernel=weights[i + 1],
      dilation=int(getattr(inner.options, dilation, 1)),
      same=inner.options.padding == _SAME,
    )
    axes.append(axis)
    shapes = graph.tensors[inner.inputs[0]].shape[i + 1], made[i + 1]
    reach = 0 if axis.same else (axis.kernel - 1) * axis.dilation
    if axis.images_rows is None or shapes != (axis.images_rows, axis.images_rows - reach):
      return None
  return axes[0], axes[1]


def _why_undefined(graph: Subgraph, first: Operator, axes: tuple[Axis, Axis]) -> str:
  """Why TFLM's bytes of the chain are undefined; '' when they are not."""
  if graph.tensors[first.outputs[0]].shape[0] != axes[0].block * axes[1].block:
    return _UNDEFINED.format(why=_LOST_BATCH)
  if any(any(axis.pads) for axis in axes):
    return _UNDEFINED.format(why=_RANDOM_PADDING)
  return ''


def _reshaped(graph: Subgraph, index: int, shape: tuple[int, ...]) -> int:
  tensor = graph.tensors[index]
  return graph_edit.add_tensor(
    graph, Tensor(f'{tensor.name}/image', shape, tensor.dtype, quantization=tensor.quantization)
  )


def _dilated(convolution: Operator, axes: tuple[Axis, Axis]) -> Operator:
  """The convolution on the whole map; padded as SAME or VALID where one of them fits."""
  options = copy.copy(convolution.options)
  options.dilationHFactor, options.dilationWFactor = (axis.total_dilation for axis in axes)
  pads = [axis.folded_pads() or (0, 0) for axis in axes]
  explicit = None
  options.padding = _VALID
  if all(pad == _same_pads(axis) for axis, pad in zip(axes, pads)) and any(map(any, pads)):
    options.padding = _SAME
  elif any(map(any, pads)):
    explicit = (*pads[0], *pads[1])
  return dataclasses.replace(convolution, options=options, explicit_padding=explicit)


def _same_pads(axis: Axis) -> tuple[int, int] | None:
  """(before, after) of SAME padding, None when it makes another size."""
  if axis.made != axis.size:
    return None
  total = (axis.kernel - 1) * axis.total_dilation
  return total // 2, total - total // 2
