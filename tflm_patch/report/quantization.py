# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a quantization made, as text and for machines."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any

from tflm_patch.graph.types import Tensor

if TYPE_CHECKING:
  from tflm_patch.quantization.result import QuantizationResult

SCHEMA_VERSION = 1


def quantization_json(result: QuantizationResult) -> dict[str, Any]:
  """A summary for machines."""
  main = result.model.main
  return {
    'schema_version': SCHEMA_VERSION,
    'file_bytes': len(result.data),
    'samples': result.samples,
    'operators': dict(collections.Counter(operator.opcode for operator in main.operators)),
    'inputs': [_tensor_json(main.tensors[index]) for index in main.inputs],
    'outputs': [_tensor_json(main.tensors[index]) for index in main.outputs],
  }


def _tensor_json(tensor: Tensor) -> dict[str, Any]:
  quantization = tensor.quantization
  return {
    'name': tensor.name,
    'dtype': tensor.dtype.name.lower(),
    'shape': list(tensor.shape),
    'scale': None if quantization is None else quantization.scale,
    'zero_point': None if quantization is None else quantization.zero_point,
  }


def quantization_summary(result: QuantizationResult, output: str) -> str:
  """Lines for the terminal."""
  main = result.model.main
  counts = collections.Counter(operator.opcode for operator in main.operators)
  kinds = ', '.join(f'{count} {name}' for name, count in counts.most_common())
  lines = [
    f'{output} written: {len(result.data):,} bytes, {len(main.operators)} operators, calibrated '
    f'on {result.samples} samples',
    f'operators: {kinds}',
  ]
  for what, indices in (('input', main.inputs), ('output', main.outputs)):
    lines += [f'{what} {_tensor_line(main.tensors[index])}' for index in indices]
  return '\n'.join(lines)


def _tensor_line(tensor: Tensor) -> str:
  shape = 'x'.join(map(str, tensor.shape))
  line = f'"{tensor.name}": {tensor.dtype.name.lower()} {shape}'
  if tensor.quantization is None:
    return line
  quantization = tensor.quantization
  return f'{line}, real = {quantization.scale:.6g} * (value - {quantization.zero_point})'
