# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Small models for the tests of the runtime."""

import numpy as np

from tflm_patch.graph.types import DType, Model, Operator, Quantization, Subgraph, Tensor
from tflm_patch.graph.writer import serialize_model

SHAPE = (1, 4, 4, 2)
SCALE = 0.05
ZERO_POINT = -20


def quantization(scale=SCALE, zero_point=ZERO_POINT):
  return Quantization(np.float32([scale]), np.int64([zero_point]))


def chain(dtypes, opcodes, quantizations=None):
  """A model of unary operators: tensor i goes through opcodes[i] into tensor i + 1."""
  quantizations = quantizations or [
    None if dtype is DType.FLOAT32 else quantization() for dtype in dtypes
  ]
  tensors = [
    Tensor(f't{i}', SHAPE, dtype, quantization=quantizations[i]) for i, dtype in enumerate(dtypes)
  ]
  operators = [Operator(opcode, (i,), (i + 1,)) for i, opcode in enumerate(opcodes)]
  return Model([Subgraph(tensors, operators, (0,), (len(dtypes) - 1,))])


def relu_int8():
  return chain([DType.INT8, DType.INT8], ['RELU'])


def relu_float_io():
  """The same with float inputs and outputs."""
  return chain(
    [DType.FLOAT32, DType.INT8, DType.INT8, DType.FLOAT32], ['QUANTIZE', 'RELU', 'DEQUANTIZE']
  )


def file_bytes(model):
  return serialize_model(model)
