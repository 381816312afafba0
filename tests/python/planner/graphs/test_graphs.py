# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Sparse matrices of stages, numbers of nodes, and how rows get into an order in place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflm_patch.planner.graphs import numbering, ordered
from tflm_patch.planner.graphs.matrix import Matrix
from tflm_patch.program.params import Requant


def random_matrix(seed, rows=9, columns=9, per_row=False, density=0.3):
  rng = np.random.default_rng(seed)
  dense = np.where(
    rng.random((rows, columns)) < density, rng.integers(-128, 128, (rows, columns)), 3
  )
  scales = np.arange(1, 1 + (rows if per_row else 1)) << 20
  requant = Requant(multipliers=scales, shifts=-(scales >> 20), per_channel=int(per_row))
  bias = rng.integers(-99, 99, rows)
  return dense, Matrix.of_dense(dense, 3, bias, requant)


def dense_of(matrix):
  dense = np.full((matrix.rows, matrix.columns), matrix.weights_zero_point)
  dense[matrix.of_row, matrix.nodes] = matrix.weights
  return dense


def test_only_zeros_are_left_out():
  dense, matrix = random_matrix(1, 7, 12)
  np.testing.assert_array_equal(dense_of(matrix), dense)
  assert matrix.connections == (dense != 3).sum()
  again = Matrix.of_params(matrix.params(), 12)
  np.testing.assert_array_equal(dense_of(again), dense)


@pytest.mark.parametrize('per_row', [False, True])
def test_other_numbers_of_rows_and_columns(per_row):
  dense, matrix = random_matrix(2, 7, 12, per_row)
  rng = np.random.default_rng(3)
  rows, columns = rng.permutation(7), rng.permutation(12)
  found = matrix.in_order(rows, columns)
  np.testing.assert_array_equal(dense_of(found), dense[np.ix_(rows, columns)])
  np.testing.assert_array_equal(found.bias, matrix.bias[rows])
  wanted = matrix.requant.multipliers[rows] if per_row else matrix.requant.multipliers
  np.testing.assert_array_equal(found.requant.multipliers, wanted)
  np.testing.assert_array_equal(dense_of(matrix.in_order(None, columns)), dense[:, columns])


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12))
def test_steps_read_all_neighbours_and_never_go_back(seed, rows, columns):
  _, matrix = random_matrix(seed, rows, columns, density=0.2)
  reads = matrix.reads
  assert (np.diff(reads.first) >= 0).all() and (np.diff(reads.last) >= 0).all()
  assert (reads.first >= 0).all() and (reads.first <= reads.last).all()
  assert (reads.last < columns).all()
  assert (reads.first[matrix.of_row] <= matrix.nodes).all()
  assert (matrix.nodes <= reads.last[matrix.of_row]).all()
  assert matrix.held == (reads.last - reads.first).max() + 1


@given(st.permutations(range(11)))
def test_exchanges_bring_rows_into_an_order_and_back(numbers):
  found = np.array(numbers)
  rows = np.arange(11) * 10
  place, made = rows.copy(), []
  for step, other in enumerate(ordered._exchanges(found)):
    assert step <= other < 11
    made.append(place[other])
    place[other] = place[step]
  np.testing.assert_array_equal(made, rows[found])
  back = np.full(11, -1)
  for step, other in enumerate(ordered._exchanges_back(found)):
    assert other <= step
    back[step] = back[other]
    back[other] = made[step]
  np.testing.assert_array_equal(back, rows)


def line(nodes, seed):
  """Nodes in a row, numbered by chance."""
  numbers = np.random.default_rng(seed).permutation(nodes)
  dense = np.zeros((nodes, nodes), int)
  for i in range(nodes - 1):
    dense[numbers[i], numbers[i + 1]] = dense[numbers[i + 1], numbers[i]] = 1
  return Matrix.of_dense(
    dense, 0, np.zeros(nodes, int), Requant(multipliers=np.ones(1), shifts=np.zeros(1))
  )


def test_the_order_of_a_line_is_found():
  matrix = line(60, 1)
  assert matrix.held > 40
  found = numbering.near_each_other([matrix])
  assert sorted(found) == list(range(60))
  near = matrix.in_order(found, found)
  assert near.bandwidth == 1 and near.held == 3
  assert numbering.near_each_other([near]) is None  # as good as it is


def test_without_the_library_there_is_no_order(monkeypatch):
  monkeypatch.setattr(numbering, '_reverse_cuthill_mckee', lambda: None)
  assert numbering.near_each_other([line(60, 1)]) is None
  assert not numbering.has_library()
