# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Spaces of sub-networks: what their specs are, what may be drawn, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_patch import architecture
from tflm_patch.architecture.network import network_of
from tflm_patch.errors import TflmPatchError
from tflm_patch.training import Elasticity, SubNetwork, elastic_space
from tflm_patch.training.elastic.augmentation import augmented_space
from tflm_patch.training.elastic.space import Column

LARGE = architecture.load(
  'in32x32x3 conv3_s2_c8 ir_k3_e1_c8 ir_k7_e6_s2_c16_se0.25 ir_k5_e6_c16 x2 ir_k5_e4_s2_c24 fc10'
)
ELASTICITY = Elasticity((7, 5, 3), (6, 4, 3), 1)


def named(spec):
  return architecture.format_spec(spec)


def test_the_first_option_is_the_whole_network_and_the_last_the_smallest():
  space = elastic_space(LARGE, ELASTICITY)
  assert space.spec_of(space.uniform(0)) == LARGE
  assert named(space.spec_of(space.uniform(9))) == (
    'in32x32x3 conv3_s2_c8 ir_k3_e1_c8 ir_k3_e3_s2_c16_se0.25 ir_k3_e3_s2_c24 fc10'
  )


def test_groups_have_what_blocks_can_be():
  space = elastic_space(LARGE, ELASTICITY)
  found = {}
  for group in space.groups:
    for cell in group.cells:
      found.setdefault((cell.block, cell.column), []).extend(cell.values)
  assert found[2, Column.KERNEL] == [7, 5, 3] and found[3, Column.KERNEL] == [5, 3]
  assert found[2, Column.INNER] == [48, 32, 24] and found[5, Column.INNER] == [64, 48]
  # Blocks without a layer of expansion, and those of a kernel of 3, have no choice.
  assert (1, Column.INNER) not in found and (1, Column.KERNEL) not in found
  # A stage gets shorter from its end; its first block stays.
  assert found[3, Column.ACTIVE] == [1, 1, 0] and found[4, Column.ACTIVE] == [1, 0, 0]
  assert (2, Column.ACTIVE) not in found and (5, Column.ACTIVE) not in found


def test_every_sample_is_a_spec_that_exists():
  space = elastic_space(LARGE, ELASTICITY)
  rng = np.random.default_rng(0)
  seen = set()
  for _ in range(50):
    sub = space.sample(rng)
    spec = space.spec_of(sub)
    network = network_of(spec)
    seen.add(named(spec))
    rows = space.rows(sub)[space.origin(sub)]
    for block, fragment, row in zip(spec.blocks, network.fragments, rows):
      if block.kind == 'ir':
        widest = max(layer.output.channels for layer in fragment.layers)
        assert widest == max(row[Column.INNER], row[Column.CHANNELS])
        assert block.kernel[0] == row[Column.KERNEL]
  assert len(seen) > 40


def test_kernels_stay_as_large_as_strides():
  space = elastic_space(architecture.load('in32x32x3 ir_k7_e2_s4_c8 fc2'), Elasticity((5, 3)))
  assert [cell.values for group in space.groups for cell in group.cells] == [(7, 5)]


def test_what_cannot_be_shared_is_refused():
  with pytest.raises(TflmPatchError, match='can be smaller'):
    elastic_space(architecture.load('in32x32x3 conv3_c8 fc2'))
  with pytest.raises(TflmPatchError, match='several maps'):
    elastic_space(architecture.load('in32x32x3 ir_k7_c8 ir_k3_s2_c8 yolo2_a2_s2'))
  with pytest.raises(TflmPatchError, match='odd'):
    Elasticity(kernels=(4,))
  with pytest.raises(TflmPatchError, match='expansion of 1'):
    Elasticity(expansions=(1.0,))
  space = elastic_space(LARGE)
  with pytest.raises(TflmPatchError, match='2 picks'):
    space.rows(SubNetwork((0, 0)))
  with pytest.raises(TflmPatchError, match='option 9'):
    space.rows(SubNetwork((9,) * len(space.groups)))


def test_augmented_networks_contain_the_network():
  base = architecture.load('in16x16x3 conv3_s2_c8 ir_k3_e1_c8 ir_k3_e3_s2_c12_se0.5 x2 fc4')
  space = augmented_space(base, (1, 2), (1, 1.5))
  assert named(space.spec_of(space.uniform(0))) == named(base)
  assert named(space.largest) == (
    'in16x16x3 conv3_s2_c16 ir_k3_e1_c16 ir_k3_e2.25_s2_c24_se0.5 x2 fc4'
  )
  smallest, widest = space.rows(space.uniform(0)), space.rows(space.uniform(1))
  assert (widest >= smallest).all()
  # conv and the bottleneck that adds its input are one chain, with the channels inside of it.
  chain = next(group for group in space.groups if group.cells[0].block == 0)
  assert {(cell.block, cell.column) for cell in chain.cells} >= {
    (0, Column.CHANNELS),
    (1, Column.INNER),
    (1, Column.CHANNELS),
    (2, Column.SQUEEZE),
  }


@pytest.mark.parametrize(
  'line, message',
  [('in16x16x3 conv3_c8 ds3_c8 fc4', 'ds3_c8'), ('in16x16x3 conv3_c8 flatfc4', 'head')],
)
def test_what_cannot_be_wider_is_refused(line, message):
  with pytest.raises(TflmPatchError, match=message):
    augmented_space(architecture.load(line), (1, 2), (1, 2))


def test_factors_of_augmentation_begin_with_1():
  with pytest.raises(TflmPatchError, match='ascend'):
    augmented_space(architecture.load('in16x16x3 conv3_c8 fc4'), (2, 3), (1,))
