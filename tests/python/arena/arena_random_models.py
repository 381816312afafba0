# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Random graphs of cheap operators, for live ranges and the memory planner."""

from __future__ import annotations

import random
import struct

from arena_models import FLOAT32, INT8, INT64, SmallModel


def random_model(seed: int) -> bytes:
  """A directed acyclic graph over vectors, with all that changes live ranges.

  Several inputs and outputs, tensors that are read late, never or by many,
  scratch buffers, variables, unused tensors and, at times, an offline plan.
  """
  rng = random.Random(seed)
  model = SmallModel()
  count = 0  # tensors
  offsets: list[int] = []
  alive: list[tuple[int, int]] = []  # tensor and its size

  def tensor(size: int, dtype: int = INT8, **kwargs: object) -> int:
    nonlocal count
    count += 1
    offsets.append(rng.choice((-1, 16 * rng.randrange(40))))
    return model.tensor((1, size), dtype, **kwargs)

  def constant(values: object, dtype: str = 'int32') -> int:
    nonlocal count
    count += 1
    offsets.append(-1)
    return model.constant(values, dtype)

  inputs = []
  for _ in range(rng.randint(1, 3)):
    size = rng.randint(1, 200)
    inputs.append(tensor(size))
    alive.append((inputs[-1], size))
  for _ in range(rng.randint(1, 25)):
    source, size = rng.choice(alive[-6:] if rng.random() < 0.7 else alive)
    kind = rng.randrange(5)
    if kind == 0:
      other, other_size = rng.choice(alive)
      output = tensor(size + other_size)
      model.op('CONCATENATION', [source, other], [output], ('ConcatenationOptions', {'axis': 1}))
      size += other_size
    elif kind == 1:
      size = rng.randint(1, size)
      output = tensor(size)
      model.op('SLICE', [source, constant([0, 0]), constant([1, size])], [output])
    elif kind == 2:
      output = tensor(1)
      model.op('MEAN', [source, constant([1])], [output], ('ReducerOptions', {'keepDims': True}))
      size = 1
    elif kind == 3:
      output = tensor(size)
      model.op('RELU', [source], [output])
    elif size == 1:
      output = tensor(1)
      model.op('ABS', [source], [output])
    else:
      left = rng.randint(1, size - 1)
      output, rest = tensor(left), tensor(size - left)
      model.op(
        'SPLIT_V',
        [source, constant([left, size - left]), constant(1)],
        [output, rest],
        ('SplitVOptions', {'numSplits': 2}),
      )
      alive.append((rest, size - left))
      size = left
    alive.append((output, size))
  if rng.random() < 0.3:
    tensor(rng.randint(1, 100), INT64)
  if rng.random() < 0.3:
    tensor(rng.randint(1, 100), FLOAT32, variable=True)
  outputs = rng.sample([index for index, _ in alive], rng.randint(1, min(4, len(alive))))
  model.interface(inputs, outputs)
  if rng.random() < 0.3:
    words = struct.pack(f'<{3 + count}i', 1, 0, count, *offsets)
    model.metadata('OfflineMemoryAllocation', words)
  return model.build()
