# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Sums over neighbours in a graph, in every form that models have."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
  from support.model_builder import ModelBuilder

_TURNED = (0, 2, 1)


def _matmul(b: ModelBuilder, x: int, is_there: np.ndarray) -> int:
  return b.batch_matmul(_masked(b, b.constant_operand((1, *is_there.shape)), is_there), x)


def _matmul_of_rank_2(b: ModelBuilder, x: int, is_there: np.ndarray) -> int:
  return b.batch_matmul(_masked(b, b.constant_operand(is_there.shape), is_there), x)


def _matmul_of_turned(b: ModelBuilder, x: int, is_there: np.ndarray) -> int:
  matrix = _masked(b, b.constant_operand((1, *is_there.shape)), is_there)
  return b.transpose(b.batch_matmul(b.transpose(x, _TURNED), matrix, adj_y=True), _TURNED)


def _dense(
  b: ModelBuilder,
  x: int,
  is_there: np.ndarray,
  per_channel: bool = False,
  bias: bool = True,
  activation: str = 'NONE',
) -> int:
  y = b.fully_connected(
    b.transpose(x, _TURNED), len(is_there), activation, per_channel, bias, True, flatten=False
  )
  _masked(b, b.operators[-1].inputs[1], is_there)
  return b.transpose(y, _TURNED)


def _dense_per_node(b: ModelBuilder, x: int, is_there: np.ndarray) -> int:
  return _dense(b, x, is_there, True, True, 'RELU6')


def _dense_without_bias(b: ModelBuilder, x: int, is_there: np.ndarray) -> int:
  return _dense(b, x, is_there, bias=False)


def _gathered(b: ModelBuilder, x: int, is_there: np.ndarray) -> int:
  """As many neighbours for each node, some of them twice."""
  count = int(is_there.sum(axis=1).max())
  listed = [np.resize(np.flatnonzero(row), count).tolist() for row in is_there]
  return b.gather(x, listed, 1)


def _gather_and_sum(b: ModelBuilder, x: int, is_there: np.ndarray) -> int:
  return b.sum(_gathered(b, x, is_there), (2,), keep_dims=False)


def _gather_and_mean(b: ModelBuilder, x: int, is_there: np.ndarray) -> int:
  return b.mean(_gathered(b, x, is_there), (2,), keep_dims=False)


_FORMS = {
  'matmul': _matmul,
  'matmul_of_rank_2': _matmul_of_rank_2,
  'matmul_of_turned': _matmul_of_turned,
  'dense': _dense,
  'dense_per_node': _dense_per_node,
  'dense_without_bias': _dense_without_bias,
  'gather_and_sum': _gather_and_sum,
  'gather_and_mean': _gather_and_mean,
}
FORMS = tuple(_FORMS)


class NeighbourOps:
  """Graph convolutions."""

  def neighbours(
    self: ModelBuilder, x: int, near: Sequence[Sequence[int]], form: str = 'matmul'
  ) -> int:
    """Weighted sums of the rows of nodes [1, nodes, channels].

    Args:
      x: The nodes.
      near: The neighbours of each row of the result.
      form: One of FORMS.
    """
    is_there = np.zeros((len(near), self.shape(x)[1]), bool)
    for row, nodes in zip(is_there, near):
      row[list(nodes)] = True
    return _FORMS[form](self, x, is_there)


def _masked(b: ModelBuilder, tensor: int, is_there: np.ndarray) -> int:
  """Lets a constant be its zero point where nothing is."""
  found = b.tensors[tensor]
  zero = int(b.quantization(tensor).zero_points[0])
  values = np.where(is_there.reshape(-1), found.array().reshape(-1), zero).astype(np.int8)
  b.tensors[tensor] = dataclasses.replace(found, data=np.frombuffer(values.tobytes(), np.uint8))
  return tensor
