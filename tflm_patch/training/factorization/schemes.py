# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Kernels as products of smaller kernels, with ranks by energy.

The rank is the smallest r with sum_{i<=r} s_i^2 >= energy * sum_i s_i^2, s being the
singular values in descending order.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Kernels = tuple[np.ndarray, ...]  # float32[rows, columns, inputs, outputs] each, in order
Scheme = Callable[[np.ndarray, float], 'Kernels | None']


def rank_of(values: np.ndarray, energy: float) -> int:
  """The rank that keeps an energy, at least 1.

  Args:
    values: Singular values, in descending order.
    energy: From 0 to 1; 1 keeps all.
  """
  if energy >= 1:
    return values.size
  squares = np.cumsum(np.asarray(values, np.float64) ** 2)
  if squares[-1] == 0:
    return 1
  return min(int(np.searchsorted(squares, energy * squares[-1])) + 1, values.size)


def svd(kernel: np.ndarray, energy: float) -> Kernels | None:
  """Of one cell: to r channels, then to all; None for larger kernels."""
  rows, cols, inputs, outputs = kernel.shape
  if (rows, cols) != (1, 1):
    return None
  first, second = _split(kernel.reshape(inputs, outputs), energy)
  return first[None, None], second[None, None]


def spatial_svd(kernel: np.ndarray, energy: float) -> Kernels | None:
  """A column of r channels, then a row (Jaderberg et al., arXiv 1405.3866, scheme 2).

  None for kernels of one cell.
  """
  rows, cols, inputs, outputs = kernel.shape
  if (rows, cols) == (1, 1):
    return None
  matrix = kernel.transpose(0, 2, 1, 3).reshape(rows * inputs, cols * outputs)
  first, second = _split(matrix, energy)
  rank = first.shape[1]
  column = first.reshape(rows, 1, inputs, rank)
  row = second.reshape(rank, 1, cols, outputs).transpose(1, 2, 0, 3)
  return column, row


def tucker2(kernel: np.ndarray, energy: float) -> Kernels | None:
  """One cell, a core of fewer channels, one cell (Kim et al., arXiv 1511.06530).

  The factors are those of the higher-order SVD along input and output channels; None for
  kernels of one cell.
  """
  rows, cols, inputs, outputs = kernel.shape
  if (rows, cols) == (1, 1):
    return None
  values = np.asarray(kernel, np.float64)
  before = _basis(np.moveaxis(values, 2, 0).reshape(inputs, -1), energy)
  after = _basis(np.moveaxis(values, 3, 0).reshape(outputs, -1), energy)
  core = np.einsum('hwio,ir,os->hwrs', values, before, after)
  return tuple(
    np.asarray(each, np.float32) for each in (before[None, None], core, after.T[None, None])
  )


SCHEMES: dict[str, Scheme] = {'SVD': svd, 'spatial SVD': spatial_svd, 'Tucker-2': tucker2}


def _split(matrix: np.ndarray, energy: float) -> tuple[np.ndarray, np.ndarray]:
  """Two factors of a matrix, the singular values shared between them."""
  left, values, right = np.linalg.svd(np.asarray(matrix, np.float64), full_matrices=False)
  rank = rank_of(values, energy)
  roots = np.sqrt(values[:rank])
  return (
    np.asarray(left[:, :rank] * roots, np.float32),
    np.asarray(roots[:, None] * right[:rank], np.float32),
  )


def _basis(unfolded: np.ndarray, energy: float) -> np.ndarray:
  """float64[n, r]: the left singular vectors that hold the energy."""
  left, values, _ = np.linalg.svd(unfolded, full_matrices=False)
  found: np.ndarray = left[:, : rank_of(values, energy)]
  return found
