# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Graph convolutions on points of the plane."""

from __future__ import annotations

import numpy as np

from support.model_builder import ModelBuilder
from support.neighbour_ops import FORMS
from support.operator_cases import Case

NODES, CHANNELS = 24, 5


def nearest(nodes: int, count: int, seed: int = 7) -> list[list[int]]:
  """Of random points of the unit square, each with its nearest ones."""
  points = np.random.default_rng(seed).uniform(size=(nodes, 2))
  distances = np.square(points[:, None] - points[None]).sum(axis=-1)
  return np.argsort(distances, axis=1, kind='stable')[:, : count + 1].tolist()


def convolution(
  b: ModelBuilder, x: int, near: list[list[int]], units: int, form: str = 'matmul'
) -> int:
  """A dense layer of every node, and the sums over neighbours of what it gives."""
  return b.neighbours(b.fully_connected(x, units, keep_num_dims=True, flatten=False), near, form)


def network(form: str = 'matmul', nodes: int = 120, units: int = 8, classes: int = 3) -> bytes:
  """Two graph convolutions on points of the plane, of two features each."""
  b = ModelBuilder(11)
  near = nearest(nodes, 6)
  y = b.relu(convolution(b, b.input((1, nodes, 2)), near, units, form))
  b.output(convolution(b, y, near, classes, form))
  return b.build()


NEIGHBOUR_CASES = [
  Case(
    f'neighbours_{form}',
    lambda b, x, form=form: b.neighbours(x, nearest(NODES, 2), form),
    (1, NODES, CHANNELS),
    framed=False,
  )
  for form in FORMS
]
