# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Parts of a network are the networks that they are parts of, whatever their blocks."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_patch import architecture
from tflm_patch.errors import TflmPatchError
from tflm_patch.training.elastic.table import Number, table_of

MAP = 'in12x10x3'
# The largest, a part of it, and which blocks of the largest it has.
PARTS = {
  # A block that adds its input only where both are equally wide; one that is left out.
  'bottlenecks': (
    f'{MAP} conv3_s2_c8 ir_k3_e2_c12 ir_k7_e3_s2_c16_se0.5 ir_k5_e3_c16 ir_k3_e1_c16_hswish fc3',
    f'{MAP} conv3_s2_c6 ir_k3_e1.5_c6 ir_k3_e2_s2_c10_se0.25 ir_k3_e1_c10_hswish fc3',
    (0, 1, 2, 4),
  ),
  # One that adds its input in the largest network only.
  'others': (
    f'{MAP} conv5_s2_c8 er_k3_e2_c8 ds5_s2_c12_relu dw3_hswish fc3',
    f'{MAP} conv3_s2_c4 er_k3_e2_c6 ds3_s2_c8_relu dw3_hswish fc3',
    (0, 1, 2, 3),
  ),
  'pools': (
    f'{MAP} conv3_c8 maxpool2 conv3_c12 avgpool2 poolfc3',
    f'{MAP} conv3_c5 maxpool2 conv1_c7 avgpool2 poolfc3',
    (0, 1, 2, 3),
  ),
  'basic': (
    f'{MAP} conv3_c8 basic3_s2_c16 basic3_c16 fc3',
    f'{MAP} conv3_c4 basic3_s2_c12 basic1_c12 fc3',
    (0, 1, 2),
  ),
  'flattened': (f'{MAP} conv3_c4 flatfc3_softmax', f'{MAP} conv1_c4 flatfc3_softmax', (0,)),
  'vector': ('in7 dense12 dense6_linear fc3', 'in7 dense8 dense3_linear fc3', (0, 1)),
}


def scrambled(network, rng):
  for weight in network.weights:
    values = rng.uniform(0.3, 1, weight.shape)
    if 'variance' not in weight.path:
      values = values * rng.choice([-1, 1], weight.shape)
    weight.assign(values)
  return network


@pytest.mark.parametrize('name', PARTS)
@pytest.mark.parametrize('sliced', [False, True])
def test_parts_compute_what_they_compute_alone(keras, name, sliced):
  from tflm_patch.training.elastic import weights
  from tflm_patch.training.elastic.network import ElasticNetwork

  if sliced and keras.backend.backend() != 'tensorflow':
    pytest.skip('slices need TensorFlow')
  large, small, origin = (*(architecture.load(line) for line in PARTS[name][:2]), PARTS[name][2])
  every = tuple(range(len(large.blocks)))
  rng = np.random.default_rng(1)
  made = ElasticNetwork(large, set(every) - set(origin), every, sliced=sliced)
  network = scrambled(made, rng)
  shape = large.input_shape if large.input_shape[:2] != (1, 1) else large.input_shape[2:]
  inputs = keras.ops.convert_to_tensor(rng.normal(size=(4, *shape)).astype(np.float32))
  for spec, numbers in ((large, every), (small, origin)):
    table = keras.ops.convert_to_tensor(table_of(large, spec, numbers))
    alone = weights.extract(network, spec, numbers)
    wanted = np.asarray(alone(inputs))
    np.testing.assert_allclose(np.asarray(network([inputs, table])), wanted, rtol=1e-3, atol=1e-3)


def test_the_table_says_what_is_used():
  large, small, origin = PARTS['bottlenecks']
  table = table_of(architecture.load(large), architecture.load(small), origin)
  assert table[0].tolist() == [3, 3, 6, 1, 0]  # the stem
  assert table[1, Number.CHANNELS] == 9 and table[3, Number.CHANNELS] == 6
  assert table[1, Number.ACTIVE] == 1 and table[1, Number.ADDS] == 1
  dropped = 4 + 8  # after the stem, a bottleneck, and one with squeeze-and-excite
  assert table[dropped, Number.ACTIVE] == 0


@pytest.mark.parametrize(
  'large, small, origin, message',
  [
    ('conv3_c4 fc3', 'conv3_c8 fc3', (0,), 'more channels'),
    ('conv3_c4 fc3', 'conv5_c4 fc3', (0,), 'a kernel of 5'),
    ('conv3_c4 fc3', 'conv2_c4 fc3', (0,), 'a kernel of 2'),
    ('conv5_s4_c4 fc3', 'conv3_s4_c4 fc3', (0,), 'a kernel of 3'),
    ('conv3_c4 fc3', 'conv3_s2_c4 fc3', (0,), 'stride'),
    ('ir_k3_e2_c4 fc3', 'ir_k3_e1_c4 fc3', (0,), 'other layers'),
    ('conv3_c4 flatfc3', 'conv3_c2 flatfc3', (0,), 'flattened'),
    ('conv3_c4 avgpool2 fc3', 'conv3_c2 avgpool3 fc3', (0, 1), 'pool'),
    ('ir_k3_c4 ir_k3_s2_c4 yolo2_a2_s2', 'ir_k3_c4 yolo2_a2_s2', (0,), 'several maps'),
  ],
)
def test_what_is_no_part_is_refused(large, small, origin, message):
  with pytest.raises(TflmPatchError, match=message):
    table_of(architecture.load(f'{MAP} {large}'), architecture.load(f'{MAP} {small}'), origin)
