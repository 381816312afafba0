# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A sparse constant matrix of a stage: who is whose neighbour, and with which weight."""

from __future__ import annotations

import dataclasses

import numpy as np

from tflm_patch.planner.ir.stage_graph import RowReads
from tflm_patch.program.fields import Array, Deferred
from tflm_patch.program.params import NeighboursParams, Requant


@dataclasses.dataclass(frozen=True, eq=False)
class Matrix:
  """Weighted sums of rows: output row r is that of row nodes[i] times weights[i], i of row r.

  Attributes:
    nodes: int64 [connections], rows of the input, those of a row of the output in order.
    weights: int8 [connections], less the zero point what rows are multiplied by.
    counts: int64 [rows], connections of each row of the output.
    columns: Rows of the input.
    bias: int32 [rows], the input's zero point in it.
    requant: How sums become bytes; per channel it is of the output's rows.
    weights_zero_point: Of the weights.
  """

  nodes: np.ndarray
  weights: np.ndarray
  counts: np.ndarray
  columns: int
  bias: np.ndarray
  requant: Requant
  weights_zero_point: int = 0

  @classmethod
  def of_dense(
    cls, dense: np.ndarray, zero_point: int, bias: np.ndarray, requant: Requant
  ) -> Matrix:
    """The matrix without what is multiplied by zero.

    Args:
      dense: int8 [rows, columns].
      zero_point: The weight that stands for zero.
      bias, requant: As of the matrix.
    """
    at, nodes = np.nonzero(dense != zero_point)
    counts = np.bincount(at, minlength=dense.shape[0])
    weights = dense[at, nodes]
    return cls(nodes, weights, counts, dense.shape[1], bias, requant, zero_point)

  @classmethod
  def of_params(cls, params: NeighboursParams, columns: int) -> Matrix:
    """That of an operator's record."""
    starts = values_of(params.starts)
    return cls(
      values_of(params.nodes),
      values_of(params.weights),
      np.diff(starts),
      columns,
      values_of(params.bias),
      params.requant,
      params.weights_zero_point,
    )

  @property
  def rows(self) -> int:
    """Of the output."""
    return self.counts.size

  @property
  def connections(self) -> int:
    """Weights that are not zero."""
    return self.nodes.size

  @property
  def bytes(self) -> int:
    """In flash."""
    return 3 * self.connections + 12 * self.rows + 4

  @property
  def is_square(self) -> bool:
    """Whether input and output are of the same nodes."""
    return self.rows == self.columns

  @property
  def of_row(self) -> np.ndarray:
    """int64 [connections], the row of the output of each connection."""
    return np.repeat(np.arange(self.rows), self.counts)

  @property
  def bandwidth(self) -> int:
    """The most that the numbers of two neighbours differ by."""
    return int(np.abs(self.of_row - self.nodes).max(initial=0))

  @property
  def reads(self) -> RowReads:
    """Rows that each step counts as read: from the least to come to the largest so far."""
    return RowReads(*self._spans().T.astype(np.int64))

  @property
  def held(self) -> int:
    """The most rows of the input that a step needs, with those that later ones need again."""
    spans = self._spans()
    return int((spans[:, 1] - spans[:, 0]).max(initial=0)) + 1

  def in_order(self, rows: np.ndarray | None, columns: np.ndarray | None) -> Matrix:
    """The same with other numbers of rows and columns.

    Args:
      rows: int64 [rows], the number until now of each row of the output; None for the same.
      columns: int64 [columns], likewise of the input.
    """
    nodes, weights, of_row = self.nodes, self.weights, self.of_row
    requant, counts, bias = self.requant, self.counts, self.bias
    if columns is not None:
      nodes = _inverse(columns)[nodes]
    if rows is not None:
      of_row = _inverse(rows)[of_row]
      counts, bias = counts[rows], bias[rows]
      if requant.per_channel:
        requant = dataclasses.replace(
          requant,
          multipliers=values_of(requant.multipliers)[rows],
          shifts=values_of(requant.shifts)[rows],
        )
    order = np.lexsort((nodes, of_row))
    return dataclasses.replace(
      self, nodes=nodes[order], weights=weights[order], counts=counts, bias=bias, requant=requant
    )

  def params(self) -> NeighboursParams:
    """The record of the operator."""
    return NeighboursParams(
      requant=self.requant,
      bias=self.bias,
      starts=self._starts(),
      nodes=self.nodes,
      weights=self.weights,
      spans=self._spans(),
      connections=self.connections,
      weights_zero_point=self.weights_zero_point,
    )

  def _starts(self) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(self.counts)])

  def _spans(self) -> np.ndarray:
    """int64 [rows, 2], first and last row; neither decreases. A row of zeros reads nothing new."""
    first = np.full(self.rows, self.columns - 1)
    last = np.zeros(self.rows, np.int64)
    np.minimum.at(first, self.of_row, self.nodes)
    np.maximum.at(last, self.of_row, self.nodes)
    first = np.minimum.accumulate(first[::-1])[::-1]
    last = np.maximum.accumulate(last)
    return np.stack([np.minimum(first, last), last], 1)


def _inverse(order: np.ndarray) -> np.ndarray:
  """Where each number stands in a permutation."""
  found = np.empty_like(order)
  found[order] = np.arange(order.size)
  return found


def values_of(array: Array | None) -> np.ndarray:
  """An array of a record, computed if it is not yet."""
  values = array.get() if isinstance(array, Deferred) else array
  assert values is not None
  return values
