# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Cases of products of matrices: of two maps, of a map and a constant, of any rank."""

from __future__ import annotations

from support.model_builder import ModelBuilder
from support.operator_cases import Case

HEADS, STEPS, VALUES = 3, 7, 5


def attention(b: ModelBuilder, x: int) -> int:
  """Of [1, steps, HEADS * values] vectors: softmax(Q K^T) V of several heads, as Keras makes it."""
  steps, values = b.shape(x)[1], b.shape(x)[2] // HEADS
  heads = []
  for _ in range(3):
    y = b.fully_connected(x, HEADS * values, flatten=False, keep_num_dims=True)
    heads.append(b.transpose(b.reshape(y, (1, steps, HEADS, values)), (0, 2, 1, 3)))
  query, key, value = heads
  weights = b.softmax(b.batch_matmul(query, key, adj_y=True))
  y = b.transpose(b.batch_matmul(weights, value), (0, 2, 1, 3))
  return b.reshape(y, (1, steps, HEADS * values))


def _heads(b: ModelBuilder, x: int) -> int:
  """[1, steps, HEADS * values] as [1, HEADS, steps, values]."""
  steps, values = b.shape(x)[1], b.shape(x)[2] // HEADS
  return b.transpose(b.reshape(x, (1, steps, HEADS, values)), (0, 2, 1, 3))


def attention_seen(b: ModelBuilder, x: int) -> int:
  """Weights of attention that other operators read, too, as they are."""
  scores = b.batch_matmul(_heads(b, x), _heads(b, b.relu6(x)), adj_y=True)
  weights = b.softmax(scores)
  b.output(b.reduce_max(weights, (1,)), b.relu6(scores))
  return b.batch_matmul(weights, _heads(b, x))


def attention_shown(b: ModelBuilder, x: int) -> int:
  """Attention whose scores and weights are outputs of the model."""
  scores = b.batch_matmul(_heads(b, x), _heads(b, b.relu6(x)), adj_y=True)
  weights = b.softmax(scores)
  b.output(scores, weights)
  return b.transpose(b.batch_matmul(weights, _heads(b, x)), (0, 2, 1, 3))


def half_of_heads(b: ModelBuilder, x: int) -> int:
  """Heads by a constant, and by heads that no transposition made."""
  steps, values = b.shape(x)[1], b.shape(x)[2] // HEADS
  b.output(b.batch_matmul(_heads(b, x), b.constant_operand((1, HEADS, values, 4))))
  other = b.reshape(b.relu6(x), (1, HEADS, steps, values))
  return b.batch_matmul(other, _heads(b, x), adj_y=True)


def of_other_length(b: ModelBuilder, x: int) -> int:
  """Queries of another sequence than keys and values: cross attention."""
  first = b.slice(x, (0, 0, 0), (1, 2, b.shape(x)[2]))
  weights = b.softmax(b.batch_matmul(_heads(b, first), _heads(b, x), adj_y=True))
  return b.transpose(b.batch_matmul(weights, _heads(b, b.relu6(x))), (0, 2, 1, 3))


def _constant(b: ModelBuilder, x: int, shape: tuple[int, ...], swapped: bool, first: bool) -> int:
  if swapped:
    shape = (*shape[:-2], shape[-1], shape[-2])
  other = b.constant_operand(shape)
  return b.batch_matmul(other, x, swapped) if first else b.batch_matmul(x, other, swapped)


def _products() -> list[Case]:
  """A map [1, HEADS, STEPS, VALUES], or one with fewer dimensions, by a constant."""
  cases = []
  shapes = {
    'matrices': ((1, HEADS, STEPS, VALUES), (1, HEADS, VALUES, 4)),
    'broadcast': ((1, HEADS, STEPS, VALUES), (1, 1, VALUES, 4)),
    'rank_4_by_2': ((1, HEADS, STEPS, VALUES), (VALUES, 19)),
    'rank_4_by_3': ((1, HEADS, STEPS, VALUES), (1, VALUES, 4)),
    'one_by_many': ((1, 1, STEPS, VALUES), (1, HEADS, VALUES, 4)),
    'rank_3': ((1, STEPS, VALUES), (1, VALUES, 33)),
    'rank_3_by_2': ((1, STEPS, VALUES), (VALUES, 16)),
    'rank_3_by_4': ((1, STEPS, VALUES), (1, HEADS, VALUES, 2)),
    'rank_2': ((STEPS, VALUES), (VALUES, 4)),
    'vector': ((1, 1, 1, VALUES), (1, 1, VALUES, 1)),
  }
  for name, (first, second) in shapes.items():
    for swapped in (False, True):
      cases.append(
        Case(
          f'batch_matmul_{name}{"_adj_y" if swapped else ""}',
          lambda b, x, s=second, t=swapped: _constant(b, x, s, t, False),
          first,
          framed=False,
        )
      )
  return cases


def _by_itself(b: ModelBuilder, x: int) -> int:
  return b.batch_matmul(x, x, adj_y=True)


def _of_two(b: ModelBuilder, x: int) -> int:
  other = b.transpose(b.relu6(x), (0, 1, 3, 2))
  return b.batch_matmul(x, other)


MATMUL_CASES = [
  *_products(),
  Case(
    'batch_matmul_constant_first',
    lambda b, x: _constant(b, x, (1, HEADS, 4, STEPS), False, True),
    (1, HEADS, STEPS, VALUES),
    framed=False,
  ),
  Case(
    'batch_matmul_constant_first_rank_3',
    lambda b, x: b.batch_matmul(b.constant_operand((1, 4, STEPS)), x),
    (1, STEPS, VALUES),
    framed=False,
  ),
  Case('batch_matmul_by_itself', _by_itself),
  Case('batch_matmul_by_itself_rank_3', _by_itself, (1, STEPS, VALUES), framed=False),
  Case('batch_matmul_of_two_maps', _of_two),
  Case('batch_matmul_deep', lambda b, x: _by_itself(b, x), (1, 2, 3, 700), framed=False),
  *(
    Case(make.__name__, make, (1, STEPS, HEADS * VALUES), framed=False)
    for make in (attention, attention_seen, attention_shown, half_of_heads, of_other_length)
  ),
]
