# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""EinsumDense, as far as it is a dense layer of the last dimensions."""

from __future__ import annotations

import math
import re

import numpy as np

from tflm_patch.quantization.layers.activation import activate
from tflm_patch.quantization.layers.call import Call
from tflm_patch.quantization.layers.dense import of_rows
from tflm_patch.quantization.layers.registry import layer
from tflm_patch.quantization.network import Value

_EQUATION = re.compile(r'([A-Za-z.]+),([A-Za-z]+)->([A-Za-z.]+)')


@layer('EinsumDense')
def einsum_dense(call: Call) -> Value:
  """Dimensions that are summed over are the input's last, and new ones the output's last."""
  x, kernel = call.input, call.weights('kernel')
  source, weights, target = _names(call)
  summed = ''.join(name for name in source if name in weights and name not in target)
  kept = source[: len(source) - len(summed)]
  new = target[len(kept) :]
  if (
    source != kept + summed
    or target != kept + new
    or sorted(weights) != sorted(summed + new)
    or not summed
    or not new
  ):
    raise call.error(
      f'{call.layer.equation} is no dense layer of the last dimensions, like abc,cd->abd'
    )
  order = [weights.index(name) for name in summed + new]
  sizes = [kernel.shape[at] for at in order[len(summed) :]]
  matrix = np.transpose(kernel, order).reshape(-1, math.prod(sizes))
  y = of_rows(call, x, matrix, _bias(call, sizes))
  y = call.reshape(y, (*x.shape[: len(kept)], *sizes))
  return activate(call, y, call.layer.activation)


def _names(call: Call) -> tuple[str, str, str]:
  """Names of the dimensions of input, kernel and output, one letter each."""
  found = _EQUATION.fullmatch(call.layer.equation.replace(' ', ''))
  if found is None:
    raise call.error(f'the equation {call.layer.equation} is not read')
  source, weights, target = found.groups()
  others = iter(set('ABCDEFGHIJKLMNOPQRSTUVWXYZ') - set(source + weights + target))
  hidden = ''.join(next(others) for _ in range(call.input.rank - len(source.replace('...', ''))))
  return source.replace('...', hidden), weights, target.replace('...', hidden)


def _bias(call: Call, sizes: list[int]) -> np.ndarray:
  """float32[values] of the new dimensions, zeros without one."""
  if call.layer.bias is None:
    return np.zeros(math.prod(sizes), np.float32)
  bias = call.weights('bias')
  if bias.ndim > len(sizes) and math.prod(bias.shape[: bias.ndim - len(sizes)]) != 1:
    raise call.error('its bias differs along a dimension that is kept')
  bias = bias.reshape(bias.shape[max(bias.ndim - len(sizes), 0) :])
  return np.broadcast_to(bias, sizes).reshape(-1)
