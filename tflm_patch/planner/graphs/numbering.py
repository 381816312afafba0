# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""An order of nodes in which neighbours have numbers near each other."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from tflm_patch.planner.graphs.matrix import Matrix

# The library's order depends on that in which it is given the nodes: so many are tried.
_TRIES = 24
# Connections and nodes that all tries may see.
_EFFORT = 4_000_000
_SEED = 1


def has_library() -> bool:
  """Whether the library that finds orders is installed."""
  return _reverse_cuthill_mckee() is not None


def near_each_other(matrices: Sequence[Matrix]) -> np.ndarray | None:
  """The best order that is found for square matrices of the same nodes.

  Reverse Cuthill-McKee (E. Cuthill, J. McKee, Reducing the bandwidth of sparse symmetric
  matrices, 1969), from several starts; the best is the one in which the operators hold the
  fewest rows.

  Returns:
    int64 [nodes], the old number of each new one; None when the nodes' own order is as good, or
    the library is not there.
  """
  search = _reverse_cuthill_mckee()
  if search is None:
    return None
  nodes = matrices[0].rows
  best, least = None, _held(matrices, None)
  edges = np.unique(np.concatenate([_edges(matrix) for matrix in matrices]), axis=0)
  rng = np.random.default_rng(_SEED)
  tries = max(1, min(_TRIES, _EFFORT // (edges.shape[0] + nodes)))
  for number in range(tries):
    given = rng.permutation(nodes) if number else np.arange(nodes)
    place = np.argsort(given)
    found = given[search(place[edges], nodes)]
    held = _held(matrices, found)
    if held < least:
      best, least = found, held
  return best


def _edges(matrix: Matrix) -> np.ndarray:
  """int64 [n, 2], every connection in both directions."""
  pairs = np.stack([matrix.of_row, matrix.nodes], 1)
  return np.concatenate([pairs, pairs[:, ::-1]])


def _held(matrices: Sequence[Matrix], found: np.ndarray | None) -> int:
  """Rows that the operators hold, in an order."""
  return sum(matrix.in_order(found, found).held for matrix in matrices)


@functools.cache
def _reverse_cuthill_mckee() -> Callable[[np.ndarray, int], np.ndarray] | None:
  """The library's function of edges [n, 2] and the number of nodes, None without the library."""
  try:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import reverse_cuthill_mckee
  except ImportError:
    return None

  def search(edges: np.ndarray, nodes: int) -> np.ndarray:
    ones = np.ones(edges.shape[0], np.int8)
    graph = csr_matrix((ones, (edges[:, 0], edges[:, 1])), (nodes, nodes))
    return reverse_cuthill_mckee(graph, symmetric_mode=True).astype(np.int64)

  return search
