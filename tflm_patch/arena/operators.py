# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What TFLM's reference kernels ask of the arena, operator by operator.

Three things lie in the arena for an operator: its parsed options (allocated
before any kernel runs), the persistent memory that the kernel asks for in Init
and Prepare, and the scratch buffers that it requests in Prepare.

Structures are described as in `structs`. The sizes are those of TFLM's sources of
2026 and were checked against its Python interpreter: tests/python/arena runs every
operator of the table there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from tflm_patch.arena import detection
from tflm_patch.arena.structs import Build, align_up, int_array_bytes, size_of
from tflm_patch.graph.types import DType, Operator, Subgraph, Tensor
from tflm_patch.program.decode import ProgramError, header, is_fed_by_bands
from tflm_patch.program.records import ALIGNMENT

_STAGE = 'TflmPatchStage'

_EVAL_TENSOR = 'ppe'
_INT16_TABLE_BYTES = 2 * 513  # a table of 512 intervals over the int16 values
_INT_BYTES = 4

# Bytes of an element of a tensor that the planner places, where they differ from
# the graph's: TFLM unpacks int4 and keeps an id for a resource.
_ELEMENT_BYTES = {DType.INT4: 1, DType.BFLOAT16: 2, DType.RESOURCE: 4}


@dataclasses.dataclass(frozen=True)
class Site:
  """An operator in its subgraph, as the functions of the table see it."""

  subgraph: Subgraph
  operator: Operator
  build: Build

  def input(self, index: int) -> Tensor | None:
    """An input tensor; None when it is absent. Negative indices count from the end."""
    return self._tensor(self.operator.inputs, index)

  def output(self, index: int) -> Tensor | None:
    return self._tensor(self.operator.outputs, index)

  def option(self, name: str, default: int = 0) -> int:
    """A field of the builtin options, `default` when there are none."""
    return int(getattr(self.operator.options, name, default) or 0)

  def _tensor(self, indices: tuple[int, ...], index: int) -> Tensor | None:
    if not -len(indices) <= index < len(indices) or indices[index] < 0:
      return None
    return self.subgraph.tensors[indices[index]]


Sizes = Callable[[Site], Iterable[int]]


def _nothing(_: Site) -> Iterable[int]:
  return ()


@dataclasses.dataclass(frozen=True)
class OperatorMemory:
  """An entry of the table.

  Attributes:
    options: Fields of the parsed options; '' when the operator has none.
    data: Fields of the structure that Init allocates; '' when it allocates none.
    prepare: Persistent bytes requested in Prepare, in order.
    scratch: Bytes of the scratch buffers, in order.
    temporaries: How often Prepare looks at the tensors, at most.
  """

  options: str = ''
  data: str = ''
  prepare: Sizes = _nothing
  scratch: Sizes = _nothing
  temporaries: int = 1


def find(operator: Operator) -> OperatorMemory | None:
  """The entry of an operator, None for one that the table does not know."""
  if operator.opcode == 'CUSTOM':
    return _CUSTOM.get(operator.custom_name or '')
  return _BUILTIN.get(operator.opcode)


def known() -> list[str]:
  """Names of the operators in the table."""
  return sorted([*_BUILTIN, *_CUSTOM])


def tensor_bytes(tensor: Tensor) -> int:
  """Bytes that the planner counts for a tensor; 0 when it cannot be allocated."""
  element = _ELEMENT_BYTES.get(tensor.dtype, tensor.dtype.bytes or 0)
  return max(0, tensor.elements * element)


def kept_channels(tensor: Tensor) -> int:
  """Quantized channels as TFLM knows them: none for a file without zero points."""
  quantization = tensor.quantization
  if quantization is None:
    return 0
  file = getattr(tensor.origin, 'quantization', None)
  has_zero_points = file is None or (file.zeroPoint is not None and len(file.zeroPoint))
  if not has_zero_points and not quantization.zero_points.any():
    return 0
  return int(quantization.scales.size)


def _elements(tensor: Tensor | None) -> int:
  return 0 if tensor is None else max(0, tensor.elements)


def _dim(tensor: Tensor | None, axis: int) -> int:
  if tensor is None or not -len(tensor.shape) <= axis < len(tensor.shape):
    return 0
  return max(0, tensor.shape[axis])


def _rank(tensor: Tensor | None) -> int:
  return 0 if tensor is None else len(tensor.shape)


def _is(tensor: Tensor | None, *dtypes: DType) -> bool:
  return tensor is not None and tensor.dtype in dtypes


def _writable_dims(site: Site) -> Iterable[int]:
  """Kernels that set their output's shape first move it into the arena."""
  yield int_array_bytes(_rank(site.output(0)))


def _per_channel(channels: int) -> Iterable[int]:
  """Multipliers and shifts."""
  yield _INT_BYTES * channels
  yield _INT_BYTES * channels


def _conv(site: Site) -> Iterable[int]:
  return _per_channel(_dim(site.input(1), 0))


def _depthwise_conv(site: Site) -> Iterable[int]:
  return _per_channel(_dim(site.input(1), 3))


def _fully_connected(site: Site) -> Iterable[int]:
  weights = site.input(1)
  if _is(site.input(0), DType.FLOAT32) or weights is None:
    return ()
  channels = kept_channels(weights)
  return _per_channel(channels) if channels > 1 else ()


def _int4_weights(site: Site) -> Iterable[int]:
  """Room for the weights, unpacked."""
  weights = site.input(1)
  return (_elements(weights),) if _is(weights, DType.INT4) else ()


def _transpose_conv_scratch(site: Site) -> Iterable[int]:
  source, bias, elements = site.input(2), site.input(3), _elements(site.output(0))
  if _is(source, DType.INT8):
    yield 4 * elements
  if _is(source, DType.INT16):
    yield 8 * elements
    if _is(bias, DType.INT16):
      yield 8 * _elements(bias)


def _mean_or_sum_scratch(site: Site) -> Iterable[int]:
  if _is(site.input(0), DType.INT8, DType.INT16):
    yield 4 * _elements(site.output(0))
  yield from _reduce_scratch(site)


def _reduce_scratch(site: Site) -> Iterable[int]:
  yield _INT_BYTES * _rank(site.input(0))
  yield _INT_BYTES * _elements(site.input(1))


def _softmax(site: Site) -> Iterable[int]:
  return (_INT16_TABLE_BYTES,) * 2 if _is(site.input(0), DType.INT16) else ()


def _log_softmax(site: Site) -> Iterable[int]:
  return (size_of('5ipp', site.build),) if _is(site.input(0), DType.INT8) else ()


def _cumsum(site: Site) -> Iterable[int]:
  return (size_of('9i', site.build),) if _is(site.output(0), DType.INT8) else ()


def _add_n(site: Site) -> Iterable[int]:
  return (size_of('10i', site.build),) if _is(site.output(0), DType.INT8) else ()


def _add_n_scratch(site: Site) -> Iterable[int]:
  yield site.build.pointer_bytes * len(site.operator.inputs)


def _mirror_pad_scratch(site: Site) -> Iterable[int]:
  return (_INT_BYTES * _rank(site.input(0)),) * 2


def _svdf_scratch(site: Site) -> Iterable[int]:
  batches, filters = _dim(site.input(0), 0), _dim(site.input(1), 0)
  yield 4 * batches * filters
  if _is(site.input(0), DType.INT8):
    yield 4 * batches * (filters // max(1, site.option('rank', 1)))


def _lstm_scratch(site: Site) -> Iterable[int]:
  hidden_state, cell_state = site.input(18), site.input(19)
  batches = _dim(site.input(0), 1 if site.option('timeMajor') else 0)
  element = 0 if cell_state is None else cell_state.dtype.bytes or 0
  return (batches * _dim(hidden_state, 1) * element,) * 4


def _embedding_lookup(site: Site) -> Iterable[int]:
  yield from _writable_dims(site)
  yield size_of('ip', site.build)


def _batch_matmul(site: Site) -> Iterable[int]:
  if _is(site.input(0), DType.INT8, DType.INT16):
    yield size_of('7i', site.build)
  transposed = (site.option('adjX') != 0, site.option('adjY') == 0)
  for index, is_transposed in enumerate(transposed):
    tensor = site.input(index)
    if is_transposed and tensor is not None:
      yield size_of(_EVAL_TENSOR, site.build)
      yield int_array_bytes(_rank(tensor))
      yield tensor_bytes(tensor)
  yield from _writable_dims(site)


def _reshape(site: Site) -> Iterable[int]:
  output = site.output(0)
  return _writable_dims(site) if output is not None and -1 in output.shape else ()


def _detection_scratch(site: Site) -> Iterable[int]:
  """Candidates, boxes, scores; indices and sorted values of each detection, and what is kept."""
  boxes, scores = _dim(site.input(0), 1), site.input(1)
  detections, classes = detection.sizes(site.operator.custom_options)
  yield boxes
  yield 4 * boxes * 4
  yield 4 * _dim(scores, 1) * _dim(scores, 2)
  yield from (4 * boxes,) * 2
  yield from (4 * detections * boxes,) * 2
  yield 4 * boxes
  yield 4 * detections * boxes
  yield 4 * max(classes, detections) * boxes
  yield 4 * min(boxes, detections) * boxes


def _stage_program(site: Site) -> bytes | None:
  """The program of a stage; None when it is damaged: TFLM refuses such a model anyway."""
  tensor = site.input(-2)
  data = None if tensor is None or tensor.data is None else tensor.data.tobytes()
  try:
    if data is not None:
      header(data)
  except ProgramError:
    return None
  return data


def _stage_scratch(site: Site) -> Iterable[int]:
  """The workspace, which the header of the program tells; none is requested for 0."""
  data = _stage_program(site)
  if data is not None and header(data).workspace_bytes > 0:
    yield header(data).workspace_bytes


def _stage_prepare(site: Site) -> Iterable[int]:
  """What a stage keeps between invocations: FrameState of stage_op.cc, and the state."""
  data = _stage_program(site)
  if data is None:
    return
  frame = size_of('pihhi', site.build)
  state = header(data).state_bytes
  if state > 0:
    yield align_up(frame, ALIGNMENT) + state
  elif is_fed_by_bands(data):
    yield frame


# Structures that occur in several kernels' data.
_CONV_DATA = '4i3iiippiii[ii]'
_ARITHMETIC_PARAMS = 'b14iqqhh5i'
_FULLY_CONNECTED_PARAMS = '9i3b'
_GATE = f'(({_FULLY_CONNECTED_PARAMS})({_FULLY_CONNECTED_PARAMS}))'

_NO_MEMORY = OperatorMemory()
_DIMS_ONLY = OperatorMemory(prepare=_writable_dims)
_POOL = OperatorMemory('e4ie4i', '8i')
_REDUCE = OperatorMemory('b', '11i', scratch=_reduce_scratch, temporaries=2)
_MEAN_OR_SUM = OperatorMemory('b', '11i', scratch=_mean_or_sum_scratch, temporaries=2)
_COMPARISON = OperatorMemory(data='7ib')
_PAD = OperatorMemory(data='(b5ib5ib)i')
_ABS_RSQRT = OperatorMemory(data='4ibie')

_BUILTIN: dict[str, OperatorMemory] = {
  # Convolutions and matrix products.
  'CONV_2D': OperatorMemory('eiieiie', _CONV_DATA, _conv, _int4_weights, temporaries=2),
  'DEPTHWISE_CONV_2D': OperatorMemory(
    'e3ie2i', _CONV_DATA, _depthwise_conv, _int4_weights, temporaries=2
  ),
  'FULLY_CONNECTED': OperatorMemory('eebbe{pi}', '9ippb[ii]', _fully_connected, _int4_weights),
  'TRANSPOSE_CONV': OperatorMemory('eiiee', '(b(4h)4h9i)i[ii]ipp', _conv, _transpose_conv_scratch),
  'BATCH_MATMUL': OperatorMemory('bbb', 'pppbbb', _batch_matmul),
  # Pools and reductions.
  'AVERAGE_POOL_2D': _POOL,
  'MAX_POOL_2D': _POOL,
  'L2_POOL_2D': OperatorMemory('e4ie4i', prepare=_writable_dims),
  'MEAN': _MEAN_OR_SUM,
  'SUM': _MEAN_OR_SUM,
  'REDUCE_ALL': _REDUCE,
  'REDUCE_MAX': _REDUCE,
  'REDUCE_MIN': _REDUCE,
  'CUMSUM': OperatorMemory('bb', prepare=_cumsum),
  'ARG_MAX': OperatorMemory('e'),
  'ARG_MIN': OperatorMemory('e'),
  # Arithmetic of two or more tensors.
  'ADD': OperatorMemory('eb', 'b12i2i'),
  'SUB': OperatorMemory('eb', 'b12i'),
  'MUL': OperatorMemory('e', '9i'),
  'DIV': OperatorMemory('e', '7i'),
  'ADD_N': OperatorMemory(prepare=_add_n, scratch=_add_n_scratch),
  'FLOOR_DIV': _NO_MEMORY,
  'FLOOR_MOD': _NO_MEMORY,
  'SQUARED_DIFFERENCE': OperatorMemory(data=f'b({_ARITHMETIC_PARAMS})'),
  'MAXIMUM': _NO_MEMORY,
  'MINIMUM': _NO_MEMORY,
  'EQUAL': _COMPARISON,
  'NOT_EQUAL': _COMPARISON,
  'GREATER': _COMPARISON,
  'GREATER_EQUAL': _COMPARISON,
  'LESS': _COMPARISON,
  'LESS_EQUAL': _COMPARISON,
  'LOGICAL_AND': _NO_MEMORY,
  'LOGICAL_OR': _NO_MEMORY,
  'SELECT_V2': OperatorMemory(data='b'),
  # Functions of one tensor.
  'RELU': OperatorMemory(data='(b2i4i)'),
  'RELU6': OperatorMemory(data='ii'),
  'LEAKY_RELU': OperatorMemory('i', '6i'),
  'PRELU': OperatorMemory(data='7i'),
  'ELU': OperatorMemory(data='256b'),
  'HARD_SWISH': OperatorMemory(data='hhhihi'),
  'LOGISTIC': OperatorMemory(data='4i'),
  'TANH': OperatorMemory(data='4i', temporaries=2),
  'SOFTMAX': OperatorMemory('i', 'q7i5p', _softmax),
  'LOG_SOFTMAX': OperatorMemory(prepare=_log_softmax),
  'L2_NORMALIZATION': OperatorMemory('e', 'i'),
  'ABS': _ABS_RSQRT,
  'RSQRT': _ABS_RSQRT,
  'CEIL': _NO_MEMORY,
  'COS': _NO_MEMORY,
  'EXP': _NO_MEMORY,
  'FLOOR': _NO_MEMORY,
  'LOG': _NO_MEMORY,
  'LOGICAL_NOT': _NO_MEMORY,
  'NEG': _NO_MEMORY,
  'ROUND': _NO_MEMORY,
  'SIN': _NO_MEMORY,
  'SQRT': _NO_MEMORY,
  'SQUARE': _NO_MEMORY,
  'ZEROS_LIKE': _NO_MEMORY,
  'CAST': OperatorMemory('ee'),
  'QUANTIZE': OperatorMemory(data='(iq)iii'),
  'DEQUANTIZE': OperatorMemory(data='(qi)iii'),
  # Moving data.
  'BATCH_TO_SPACE_ND': _NO_MEMORY,
  'BROADCAST_ARGS': _NO_MEMORY,
  'BROADCAST_TO': _NO_MEMORY,
  'CONCATENATION': OperatorMemory('ie', '(ippiii)[10i]'),
  'DEPTH_TO_SPACE': OperatorMemory('i', prepare=_writable_dims),
  'DYNAMIC_UPDATE_SLICE': _NO_MEMORY,
  'EMBEDDING_LOOKUP': OperatorMemory(prepare=_embedding_lookup),
  'EXPAND_DIMS': _NO_MEMORY,
  'FILL': _NO_MEMORY,
  'GATHER': OperatorMemory('ii', prepare=_writable_dims),
  'GATHER_ND': _DIMS_ONLY,
  'MIRROR_PAD': OperatorMemory('e', '5i', scratch=_mirror_pad_scratch),
  'PACK': OperatorMemory('ii'),
  'PAD': _PAD,
  'PADV2': _PAD,
  'RESHAPE': OperatorMemory('8ii', prepare=_reshape),
  'RESIZE_BILINEAR': OperatorMemory('bb'),
  'RESIZE_NEAREST_NEIGHBOR': OperatorMemory('bb'),
  'REVERSE_V2': _NO_MEMORY,
  'SHAPE': OperatorMemory('e'),
  'SLICE': _NO_MEMORY,
  'SPACE_TO_BATCH_ND': OperatorMemory(data='i'),
  'SPACE_TO_DEPTH': OperatorMemory('i', prepare=_writable_dims),
  'SPLIT': OperatorMemory('i'),
  'SPLIT_V': OperatorMemory('i'),
  'SQUEEZE': OperatorMemory('8ii'),
  'STRIDED_SLICE': OperatorMemory('5ib', 'b5ib5ib5i5hb'),
  'TRANSPOSE': _NO_MEMORY,
  'UNPACK': OperatorMemory('ii'),
  # Recurrent layers, control flow and resources.
  'SVDF': OperatorMemory('ieb', '9i', scratch=_svdf_scratch),
  'UNIDIRECTIONAL_SEQUENCE_LSTM': OperatorMemory(
    'e2ibbb', f'(b4i)(ihi)e{_GATE * 4}(3({_ARITHMETIC_PARAMS}))4i', scratch=_lstm_scratch
  ),
  'CALL_ONCE': OperatorMemory('i', 'ib'),
  'IF': OperatorMemory('ii', 'ii'),
  'WHILE': OperatorMemory('ii', 'ii'),
  # The memory of the variable itself is counted by `tail`.
  'ASSIGN_VARIABLE': OperatorMemory(data='[i]'),
  'READ_VARIABLE': _NO_MEMORY,
  'VAR_HANDLE': OperatorMemory('pp', 'i'),
}

_CUSTOM: dict[str, OperatorMemory] = {
  _STAGE: OperatorMemory(prepare=_stage_prepare, scratch=_stage_scratch, temporaries=0),
  'CIRCULAR_BUFFER': OperatorMemory(data='ii'),
  detection.NAME: OperatorMemory(data='6ib4i11i6i', scratch=_detection_scratch, temporaries=3),
}
