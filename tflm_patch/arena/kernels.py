# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which operators TFLM can run at all.

From its Python interpreter of October 2026, which registers every kernel that TFLM has;
a test asks it for every operator of the schema.
"""

from __future__ import annotations

import collections

from tflm_patch.graph.types import DType, Model

_NAMES = """
    ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND
    BROADCAST_ARGS BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS CUMSUM
    DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE DIV DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL
    EXP EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND GREATER
    GREATER_EQUAL HARD_SWISH IF L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG
    LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM
    MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2 PRELU QUANTIZE READ_VARIABLE REDUCE_ALL REDUCE_MAX
    REDUCE_MIN RELU RELU6 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT
    SELECT_V2 SHAPE SIN SLICE SOFTMAX SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE
    SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM SVDF TANH TRANSPOSE TRANSPOSE_CONV
    UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK VAR_HANDLE WHILE ZEROS_LIKE
"""
KERNELS = frozenset(_NAMES.split())
# Their kernels take int8, int16 and float32, but no uint8.
_WITHOUT_UINT8 = frozenset(('CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED', 'TRANSPOSE_CONV'))


def missing(model: Model) -> dict[str, int]:
  """Builtin operators of a model that TFLM has no kernel for, and how many of each."""
  found: collections.Counter[str] = collections.Counter()
  for graph in model.subgraphs:
    for operator in graph.operators:
      if operator.opcode != 'CUSTOM' and operator.opcode not in KERNELS:
        found[operator.opcode] += 1
  return dict(found)


def legacy_uint8(model: Model) -> str | None:
  """What of a model is quantized to uint8 in the way of TensorFlow 1; None for nothing."""
  for graph in model.subgraphs:
    for index, operator in enumerate(graph.operators):
      tensors = [graph.tensors[i] for i in operator.inputs[:2] if i >= 0]
      if operator.opcode in _WITHOUT_UINT8 and any(t.dtype == DType.UINT8 for t in tensors):
        return f'{operator.opcode} {index}'
  return None
