# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""An int8 model on many samples: in TFLM, or by the forward pass that equals it."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import numpy as np

from tflm_patch.errors import EnvironmentMissing
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType, Model, Tensor
from tflm_patch.quantization.exact import ExactNetwork
from tflm_patch.runtime.tflm import Interpreter, require_wheel

_BATCH = 64  # of the exact forward pass


class Engine(enum.Enum):
  """Who computes the outputs; both give the same bytes."""

  TFLM = 'TFLM'
  EXACT = 'the exact forward pass'


def available_engine() -> Engine:
  """TFLM, where its interpreter is installed."""
  try:
    require_wheel()
  except EnvironmentMissing:
    return Engine.EXACT
  return Engine.TFLM


def run_int8(
  original: Model, converted: bytes, samples: Sequence[np.ndarray], engine: Engine
) -> list[np.ndarray]:
  """Real outputs of an int8 model.

  Args:
    original: As quantized; what the exact forward pass runs.
    converted: The file that TFLM runs.
    samples: Real values [n, ...] for every input.
    engine: Who computes.

  Returns:
    float64[n, ...] for every output.

  Raises:
    EnvironmentMissing: the interpreter is not installed.
    InterpreterError: TFLM does not run the model.
    TflmPatchError: an operator has no exact forward pass.
  """
  model = parse_model(converted) if engine is Engine.TFLM else original
  main = model.main
  sources = [original.main.tensors[index] for index in original.main.inputs]
  targets = [main.tensors[index] for index in main.outputs]
  steps = [to_steps(array, tensor) for array, tensor in zip(samples, sources)]
  run = _in_tflm if engine is Engine.TFLM else _exactly
  results = run(model, converted, steps)
  return [to_real(values, tensor) for values, tensor in zip(results, targets)]


def _in_tflm(model: Model, data: bytes, steps: Sequence[np.ndarray]) -> list[np.ndarray]:
  interpreter = Interpreter(data)
  results: list[list[np.ndarray]] = [[] for _ in model.main.outputs]
  for number in range(len(steps[0])):
    outputs = interpreter.invoke([array[number : number + 1] for array in steps])
    for found, output in zip(results, outputs):
      found.append(output.copy())
  return [np.concatenate(found) for found in results]


def _exactly(model: Model, data: bytes, steps: Sequence[np.ndarray]) -> list[np.ndarray]:
  del data
  network = ExactNetwork(model)
  results: list[list[np.ndarray]] = [[] for _ in model.main.outputs]
  for start in range(0, len(steps[0]), _BATCH):
    outputs = network.run_bytes([array[start : start + _BATCH] for array in steps])
    for found, output in zip(results, outputs):
      found.append(output)
  return [np.concatenate(found) for found in results]


def to_steps(values: np.ndarray, tensor: Tensor) -> np.ndarray:
  """Real values as a quantized tensor's integers; float tensors take them as they are."""
  assert tensor.dtype.numpy is not None
  if tensor.dtype == DType.FLOAT32:
    return np.asarray(values, np.float32)
  assert tensor.quantization is not None
  info = np.iinfo(tensor.dtype.numpy)
  steps = np.rint(values / tensor.quantization.scale) + tensor.quantization.zero_point
  return np.clip(steps, info.min, info.max).astype(tensor.dtype.numpy)


def to_real(values: np.ndarray, tensor: Tensor) -> np.ndarray:
  """A tensor's integers as real numbers."""
  if tensor.dtype == DType.FLOAT32:
    return values
  assert tensor.quantization is not None
  return (values.astype(np.float64) - tensor.quantization.zero_point) * tensor.quantization.scale
