# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Weights of operators with a state of their own."""

from __future__ import annotations

import numpy as np

from tflm_patch.graph.types import DType, Tensor

_INT32 = 1 << 31


def weights_violation(tensor: Tensor, shape: tuple[int, ...], dtype: DType) -> str | None:
  """Why a tensor is no array of symmetric weights of one scale."""
  quantization = tensor.quantization
  text = f'"{tensor.name}" is {tensor.dtype.name} {list(tensor.shape)}'
  if not tensor.is_constant or tensor.dtype != dtype or tensor.shape != shape:
    return text
  if quantization is None or not quantization.per_tensor or quantization.scale <= 0:
    return f'"{tensor.name}" has no single scale'
  return f'"{tensor.name}" has zero points' if np.any(quantization.zero_points != 0) else None


def folded(bias: np.ndarray, weights: np.ndarray, zero_point: int) -> np.ndarray:
  """int32[n]: a bias with the products of a zero point and the rows of weights, modulo 2^32."""
  total = bias.astype(np.int64) - zero_point * weights.astype(np.int64).sum(axis=-1)
  return (((total + _INT32) % (2 * _INT32)) - _INT32).astype(np.int32)
