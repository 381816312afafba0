# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which operators TFLM can run at all.

From its Python interpreter of October 2026, which registers every kernel that TFLM has;
a test asks it for every operator of the schema.
"""

from __future__ import annotations

import collections

from tflm_patch.graph.types import DType, Model

# Each with the types of its first computed input, of float32, int8, int16, uint8, int32 and bool;
# none where it reads nothing or passes on what it reads.
_TYPES = """
    ABS float32 int8 int16
    ADD float32 int8 int16 int32
    ADD_N float32 int8
    ARG_MAX float32 int8
    ARG_MIN float32 int8
    ASSIGN_VARIABLE int32
    AVERAGE_POOL_2D float32 int8 int16
    BATCH_MATMUL float32 int8 int16
    BATCH_TO_SPACE_ND float32 int8
    BROADCAST_ARGS int32
    BROADCAST_TO float32 int8 int16 uint8 int32 bool
    CALL_ONCE
    CAST float32 int8 int16 int32 bool
    CEIL float32
    CONCATENATION float32 int8 int16 int32 bool
    CONV_2D float32 int8 int16
    COS float32
    CUMSUM float32 int8
    DEPTHWISE_CONV_2D float32 int8 int16
    DEPTH_TO_SPACE float32 int8
    DEQUANTIZE int8 int16 uint8
    DIV float32 int8 int32
    DYNAMIC_UPDATE_SLICE float32 int8 int16 int32
    ELU float32 int8
    EMBEDDING_LOOKUP int32
    EQUAL float32 int8 int32 bool
    EXP float32
    EXPAND_DIMS float32 int8 int16
    FILL float32 int8 int32
    FLOOR float32
    FLOOR_DIV float32
    FLOOR_MOD float32
    FULLY_CONNECTED float32 int8 int16
    GATHER float32 int8
    GATHER_ND float32 int8
    GREATER float32 int8 int16 int32
    GREATER_EQUAL float32 int8 int32
    HARD_SWISH float32 int8
    IF bool
    L2_NORMALIZATION float32 int8
    L2_POOL_2D float32
    LEAKY_RELU float32 int8 int16
    LESS float32 int8 int32
    LESS_EQUAL float32 int8 int32
    LOG float32
    LOGICAL_AND float32 int8 int16 uint8 int32 bool
    LOGICAL_NOT bool
    LOGICAL_OR float32 int8 int16 uint8 int32 bool
    LOGISTIC float32 int8 int16
    LOG_SOFTMAX float32 int8
    MAXIMUM float32 int8 int16 int32
    MAX_POOL_2D float32 int8 int16
    MEAN float32 int8 int16
    MINIMUM float32 int8 int16 int32
    MIRROR_PAD float32 int8
    MUL float32 int8 int16 int32
    NEG float32
    NOT_EQUAL float32 int8 int32 bool
    PACK float32 int8 int16 int32
    PAD float32 int8 int16 int32
    PADV2 float32 int8 int16 int32
    PRELU float32 int8
    QUANTIZE float32 int8 int16 uint8 int32
    READ_VARIABLE int32
    REDUCE_ALL bool
    REDUCE_MAX float32 int8
    REDUCE_MIN float32 int8
    RELU float32 int8 int16
    RELU6 float32 int8 int16
    RESHAPE float32 int8 int16 uint8 int32 bool
    RESIZE_BILINEAR float32 int8
    RESIZE_NEAREST_NEIGHBOR float32 int8 int16
    REVERSE_V2 float32 int8 int16 uint8 int32 bool
    ROUND float32
    RSQRT float32 int8 int16
    SELECT_V2 bool
    SHAPE float32 int8 int16 uint8 int32 bool
    SIN float32
    SLICE float32 int8 int16 int32 bool
    SOFTMAX float32 int8 int16
    SPACE_TO_BATCH_ND float32 int8
    SPACE_TO_DEPTH float32 int8
    SPLIT float32 int8 int16 int32
    SPLIT_V float32 int8 int16 int32
    SQRT float32
    SQUARE float32
    SQUARED_DIFFERENCE float32 int8 int16 int32
    SQUEEZE float32 int8 int16 uint8 int32 bool
    STRIDED_SLICE float32 int8 int16 int32 bool
    SUB float32 int8 int16 int32
    SUM float32 int8 int16
    SVDF float32 int8
    TANH float32 int8 int16
    TRANSPOSE float32 int8 int16
    TRANSPOSE_CONV float32 int8 int16
    UNIDIRECTIONAL_SEQUENCE_LSTM float32 int8 int16
    UNPACK float32 int8 int16 int32
    VAR_HANDLE
    WHILE
    ZEROS_LIKE float32 int8 int32
"""


def _read(line: str) -> tuple[str, tuple[DType, ...]]:
  name, *types = line.split()
  return name, tuple(DType[each.upper()] for each in types)


# The types that a kernel takes, by operator.
TYPES: dict[str, tuple[DType, ...]] = dict(map(_read, _TYPES.strip().splitlines()))
KERNELS = frozenset(TYPES)
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
