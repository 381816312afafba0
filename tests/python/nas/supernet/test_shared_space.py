# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What the networks of a space have in common."""

from __future__ import annotations

import dataclasses
import random

import pytest

from tflm_patch import nas
from tflm_patch.architecture import format_spec
from tflm_patch.architecture.text import parse_spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.supernet.shared_space import SharedSpace
from tflm_patch.training.elastic.table import Number


def test_the_largest_has_the_largest_of_everything(space):
  shared = SharedSpace(space)
  assert format_spec(shared.largest) == (
    'in12x12x1 conv3_s2_c8 ir_k3_e1_c8 ir_k7_e3_s2_c12 x2 ir_k5_e2_c12_se0.5 x3 conv1_c16 fc4'
  )
  assert shared.optional == {3, 6} and shared.loose == {0, 1, 2, 4, 7}
  assert format_spec(shared.smallest_candidate.spec) == (
    'in8x8x1 conv3_s2_c4 ir_k3_e1_c4 ir_k3_e2_s2_c4 ir_k3_e1.5_c6_se0.5 x2 conv1_c8 fc4'
  )
  assert shared.smallest_candidate.size == (8, 8) and shared.sizes == ((8, 8), (12, 12))


def test_every_network_is_found_by_its_spec(space):
  shared = SharedSpace(space)
  for picks in space.samples(200, seed=3):
    candidate = shared.candidate(picks)
    assert candidate.spec == space.spec_of(picks)
    found = shared.find(parse_spec(format_spec(candidate.spec)))
    assert found.spec == candidate.spec
    assert (found.table[:, : Number.ACTIVE] <= shared.largest_candidate.table[:, :3]).all()


@pytest.mark.parametrize('name', ['mcunet', 'mcunet_v2', 'proxyless', 'micronets_ds_cnn', 'series'])
def test_spaces_of_the_catalogue_can_be_shared(name):
  space = nas.load_space(name)
  if name == 'series':  # signals of three lengths: a network's own mean takes any
    assert len(space.inputs) == 3
  shared = SharedSpace(space)
  rng = random.Random(0)
  for _ in range(3):
    candidate = shared.sample(rng)
    assert shared.find(candidate.spec).spec == candidate.spec


def test_networks_of_no_space_are_refused(space):
  shared = SharedSpace(space)
  spec = shared.smallest_candidate.spec
  for wrong in (
    dataclasses.replace(spec, input_shape=(9, 9, 1)),
    dataclasses.replace(spec, blocks=spec.blocks[:-1]),
    dataclasses.replace(spec, blocks=(*spec.blocks, spec.blocks[-1])),
    dataclasses.replace(
      spec,
      blocks=(
        *spec.blocks[:2],
        dataclasses.replace(spec.blocks[2], kernel=(9, 9)),
        *spec.blocks[3:],
      ),
    ),
  ):
    with pytest.raises(TflmPatchError, match='no network of the space "little"'):
      shared.find(wrong)


@pytest.mark.parametrize(
  'changes, message',
  [
    ({'inputs': [[8, 8, 1], [8, 8, 3]]}, 'numbers of channels'),
    ({'stages': [{'block': 'ir_c8', 'expansions': [1, 2]}]}, r'expansion 1.0: .*other layers'),
    ({'stages': [{'block': 'ir_c8', 'kernels': [2, 3]}]}, r'kernel \(2, 2\): .*kernel of 2'),
    ({'stages': [{'block': 'ir_s2_c8', 'kernels': [1, 3]}]}, r'kernel \(1, 1\): .*kernel of 1'),
    ({'head': 'flatfc4', 'widths': [1, 2]}, 'flattened'),
  ],
)
def test_options_that_cannot_share_are_named(changes, message):
  space = nas.space_from_json(
    {'name': 'own', 'inputs': [[8, 8, 1]], 'stages': [{'block': 'ir_c8'}], **changes}
  )
  with pytest.raises(TflmPatchError, match=message):
    SharedSpace(space)
