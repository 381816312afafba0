# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Asks TFLM's interpreter which types its kernels take, by tiny models of each.

A model of an operator is written again with the tensors of its first input's type in another
one, and run in a process of its own: kernels may stop the program.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

import numpy as np

from support.model_core import quantized
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Model, Tensor
from tflm_patch.graph.writer import serialize_model
from tflm_patch.runtime.tflm import Interpreter

TYPES = (DType.FLOAT32, DType.INT8, DType.INT16, DType.UINT8, DType.INT32, DType.BOOL)
_QUANTIZED = (DType.INT8, DType.INT16, DType.UINT8)
_WEIGHTED = ('CONV_2D', 'DEPTHWISE_CONV_2D', 'FULLY_CONNECTED', 'TRANSPOSE_CONV', 'SVDF')
# Scales and zero points of outputs that kernels insist on.
_OUTPUTS = {
  ('LOGISTIC', DType.INT8): quantized(1 / 256, -128),
  ('SOFTMAX', DType.INT8): quantized(1 / 256, -128),
  ('LOG_SOFTMAX', DType.INT8): quantized(16 / 256, 127),
  ('L2_NORMALIZATION', DType.INT8): quantized(1 / 128, 0),
  ('TANH', DType.INT8): quantized(1 / 128, 0),
  ('LOGISTIC', DType.INT16): quantized(2.0**-15, 0),
  ('TANH', DType.INT16): quantized(2.0**-15, 0),
  ('SOFTMAX', DType.INT16): quantized(2.0**-15, 0),
}


def types_of(opcode: str, cases: Sequence[Callable[[], bytes]]) -> tuple[DType, ...]:
  """The types of the first input that a kernel takes, of TYPES."""
  return tuple(t for t in TYPES if any(_runs(opcode, case(), t) for case in cases))


def _runs(opcode: str, data: bytes, dtype: DType) -> bool:
  child = os.fork()
  if child == 0:
    status = 1
    try:
      sys.stderr = open(os.devnull, 'w')  # noqa: SIM115 (the process ends here)
      os.dup2(sys.stderr.fileno(), 2)
      if run_retyped(opcode, parse_model(data), dtype):
        status = 0
    finally:
      os._exit(status)
  return os.waitpid(child, 0)[1] == 0


def run_retyped(opcode: str, model: Model, dtype: DType) -> bool:
  """Runs a model with its operator on maps of a type; False when it has no computed input."""
  retype(opcode, model, dtype)
  graph = model.main
  arrays = [
    np.ones(graph.tensors[i].shape, graph.tensors[i].dtype.numpy or np.int8) for i in graph.inputs
  ]
  Interpreter(serialize_model(model)).invoke(arrays)
  return True


def retype(opcode: str, model: Model, dtype: DType) -> None:
  """Gives all tensors of the type that the operator's first computed input has another one."""
  graph = model.main
  operator = next(op for op in graph.operators if opcode in (op.opcode, op.custom_name))
  computed = [i for i in operator.inputs if i >= 0 and not graph.tensors[i].is_constant]
  if not computed:
    raise ValueError(f'{opcode} reads nothing that is computed')
  old = graph.tensors[computed[0]].dtype
  for index, tensor in enumerate(graph.tensors):
    if opcode in _WEIGHTED and tensor.is_constant:
      _retype_weights(tensor, dtype)
    elif tensor.dtype == old and not (tensor.is_constant and tensor.dtype == DType.INT32):
      made = index in operator.outputs
      _set_type(tensor, dtype)
      if made and (opcode, dtype) in _OUTPUTS:
        tensor.quantization = _OUTPUTS[opcode, dtype]


def _set_type(tensor: Tensor, dtype: DType) -> None:
  if tensor.is_constant:
    values = tensor.array().astype(dtype.numpy)
    tensor.data = np.frombuffer(values.tobytes(), np.uint8)
  tensor.dtype = dtype
  tensor.origin = None
  tensor.quantization = quantized(0.5, 0) if dtype in _QUANTIZED else None


def _retype_weights(tensor: Tensor, dtype: DType) -> None:
  """int16 maps have int8 weights and int64 biases; all of float32 maps is float32."""
  is_bias = tensor.dtype in (DType.INT32, DType.INT64) and len(tensor.shape) == 1
  if tensor.dtype == DType.INT32 and not is_bias:
    return
  quantization = tensor.quantization
  if dtype == DType.FLOAT32 and tensor.dtype != DType.FLOAT32:
    _set_type(tensor, DType.FLOAT32)
  elif dtype == DType.INT16 and is_bias and quantization is not None:
    _set_type(tensor, DType.INT64)
    tensor.quantization = quantization
