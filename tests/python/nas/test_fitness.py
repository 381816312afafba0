# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Fitnesses: what they say of networks that are known to differ, and that they say it again."""

import math

import numpy as np
import pytest

from tflm_patch import nas
from tflm_patch.architecture import SpecError, network_of, parse_spec
from tflm_patch.conversion.spec_stage import stage_of
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.data import SearchData
from tflm_patch.nas.fitness import Effort
from tflm_patch.nas.judges import FITNESS, fitness_of
from tflm_patch.nas.proxies.flops import macs_of
from tflm_patch.nas.surroundings import Surroundings

SMALL = parse_spec('in8x8x1 conv3_s2_c8 ir_k3_e2_c8 fc2')
LARGE = parse_spec('in8x8x1 conv3_s2_c16 ir_k3_e4_c16 x2 ir_k3_e4_s2_c32 fc2')
SPACE = nas.space_from_json(
  {'name': 'one', 'inputs': [[8, 8, 1]], 'stages': [{'block': 'ir_c16'}], 'head': 'fc2'}
)
NEEDS_KERAS = ('synflow', 'naswot', 'zico')


def around(data):
  return Surroundings(data, SPACE)


def test_parameters_and_macs_are_those_of_the_layers():
  # conv 9*1*8+8; expand 8*16+16; depthwise 9*16+16; project 16*8+8; dense 8*2+2.
  assert fitness_of('parameters', around(None)).evaluate([SMALL], Effort()) == [
    80 + 144 + 160 + 136 + 18
  ]
  for spec in (SMALL, LARGE):
    dense = network_of(spec).layers()[-1]
    assert dense.opcode == 'FULLY_CONNECTED'
    # The planner counts the additions of MEAN, too.
    assert 0 < macs_of(spec) <= stage_of(spec).macs <= 1.2 * macs_of(spec)
  assert fitness_of('flops', around(None)).evaluate([LARGE], Effort()) == [2.0 * macs_of(LARGE)]


@pytest.mark.parametrize('name', NEEDS_KERAS)
def test_a_proxy_prefers_the_larger_network_and_repeats_itself(keras, dataset, name):
  judge = fitness_of(name, around(SearchData(dataset)))
  budget = Effort(batch_size=16)
  small, large = judge.evaluate([SMALL, LARGE], budget)
  assert math.isfinite(small) and small < large
  assert judge.evaluate([LARGE], budget) == pytest.approx([large], rel=1e-4)
  assert keras.config.floatx() == 'float32'


def test_naswot_of_examples_that_are_alike_is_the_least(keras, dataset):
  from tflm_patch.nas.proxies import naswot
  from tflm_patch.nas.proxies.untrained import untrained

  with untrained(SMALL, Effort()) as model:
    alike = np.repeat(dataset.to_model(dataset.train.inputs[:1]), 4, axis=0)
    kernel = naswot._kernel(model, alike)
  assert np.all(kernel == kernel[0, 0]) and kernel[0, 0] > 0


def test_a_short_training_learns_and_depends_on_the_spec_and_the_seed_alone(keras, dataset):
  judge = fitness_of('trained', around(SearchData(dataset)))
  budget = Effort(epochs=6, batch_size=16)
  (score,) = judge.evaluate([LARGE], budget)
  assert score > 70
  assert judge.evaluate([SMALL, LARGE], budget)[1] == score


def test_names():
  assert set(FITNESS) == {
    *('trained', 'supernet'),
    *('parameters', 'flops', 'synflow', 'naswot', 'zico'),
  }
  with pytest.raises(SpecError, match='unknown fitness; did you mean "synflow"'):
    fitness_of('sinflow', around(None))


@pytest.mark.parametrize(
  ('fields', 'message'),
  [({'epochs': 0}, 'epochs is 0'), ({'share': 0}, 'share is 0'), ({'threads': -1}, 'threads')],
)
def test_efforts_that_mean_nothing(fields, message):
  with pytest.raises(TflmPatchError, match=message):
    Effort(**fields)
