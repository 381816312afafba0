# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Search spaces: what they contain, their JSON, what is refused."""

from __future__ import annotations

import itertools
import json
import random

import pytest

from tflm_patch import nas
from tflm_patch.architecture import Block, Head, SpecError, format_spec, parse_spec, to_graph
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.masks.plan import plan_masks
from tflm_patch.nas.strategies import Problem, strategy_of
from tflm_patch.nas.supernet.shared_space import SharedSpace
from tflm_patch.nas.trial import Trial

SMALL = {
  'name': 'small',
  'inputs': [[16, 16, 1], [24, 24, 3]],
  'widths': [0.5, 1],
  'stem': ['conv3_s2_c16'],
  'stages': [
    {'block': 'ir_s2_c24', 'depths': [1, 2], 'kernels': [3, 5], 'expansions': [2, 4]},
    {'block': 'ds_c32', 'widths': [0.5, 1], 'kernels': [3, [1, 5]]},
  ],
  'tail': ['conv1_c64'],
  'head': 'fc4',
}


@pytest.mark.parametrize('space', nas.SPACES.values(), ids=lambda space: space.name)
def test_named_spaces_give_networks_that_exist(space):
  rng = random.Random(7)
  for _ in range(5):
    picks = space.sample(rng)
    spec = space.spec_of(picks)
    assert parse_spec(format_spec(spec)) == spec
    assert to_graph(spec).subgraphs
    assert spec.input_shape in space.inputs


@pytest.mark.parametrize('space', nas.SPACES.values(), ids=lambda space: space.name)
def test_json_gives_the_same_space(space):
  assert nas.space_from_json(json.loads(json.dumps(nas.space_to_json(space)))) == space


def test_size_counts_every_candidate_once():
  space = nas.space_from_json(SMALL)
  options = [range(len(decision.options)) for decision in space.decisions]
  candidates = {space.canonical(picks) for picks in itertools.product(*options)}
  assert len(candidates) == space.size == 2 * 2 * (4 + 16) * 2 * 2


def test_canonical_picks_keep_the_architecture():
  space = nas.load_space('mcunet_v2')
  rng = random.Random(3)
  for _ in range(50):
    picks = tuple(rng.randrange(len(decision.options)) for decision in space.decisions)
    assert space.spec_of(space.canonical(picks)) == space.spec_of(picks)


def test_a_candidate_in_words():
  space = nas.space_from_json(SMALL)
  value = {
    'input': 1,
    'width': 1,
    'stage0.depth': 1,
    'stage0.block0.kernel': 1,
    'stage0.block1.expansion': 1,
    'stage1.width': 0,
    'stage1.block0.kernel': 1,
  }
  picks = [value.get(decision.name, 0) for decision in space.decisions]
  line = 'in24x24x3 conv3_s2_c16 ir_k5_e2_s2_c24 ir_k3_e4_c24 ds1x5_c16 conv1_c64 fc4'
  assert space.spec_of(picks) == parse_spec(line)


def test_samples_are_a_function_of_the_seed():
  space = nas.load_space('series')
  assert space.samples(20, seed=5) == space.samples(20, seed=5)
  assert space.samples(20, seed=5) != space.samples(20, seed=6)


def test_a_space_from_a_file(tmp_path):
  file = tmp_path / 'small.json'
  file.write_text(json.dumps(SMALL))
  assert nas.load_space(file) == nas.space_from_json(SMALL)


def _changed(**fields):
  return {**SMALL, **fields}


def _stage(**fields):
  return _changed(stages=[{'block': 'ir_c24', **fields}])


@pytest.mark.parametrize(
  ('found', 'message'),
  [
    ([], 'a search space in JSON is an object'),
    (_changed(depth=3), '"depth": unknown field'),
    (_changed(schema_version=2), '"schema_version": 2 is not 1'),
    (_changed(name=''), '"name": is no text'),
    (_changed(inputs=[]), 'input has 0 options'),
    (_changed(inputs=[[16, 16]]), r'"inputs": \[16, 16\] is not'),
    (_changed(inputs=[[16, 16, 1], [16, 16, 1]]), 'input has an option twice'),
    (_changed(widths=[0]), '"widths": 0 is not above 0'),
    (_changed(widths=[float('nan')]), '"widths": nan is not above 0'),
    (_changed(widths=[True]), '"widths": True is no number'),
    (_changed(stages=[]), 'has not 1 to 32 stages'),
    (_changed(stem=['convolution3']), '"stem": '),
    (_changed(stem=['conv3 conv3']), '"stem": .* is no word of a block'),
    (_changed(head='fc4 fc4'), '"head": '),
    (_changed(divisor=0), '"divisor": is no whole number'),
    (_stage(depths=[0]), r'"stages\[0\].depths": are no whole numbers'),
    (_stage(depths=[33]), 'stage0.depth is not 1 to 32'),
    (_stage(kernels=[[3]]), r'"stages\[0\].kernels": \[3\] is neither'),
    (_stage(kernel=[3]), '"kernel": unknown field'),
    (_changed(stages=[{'block': 'ds_c8', 'expansions': [2, 4]}]), 'ds has no expansion'),
    (_changed(stages=[{'block': 'ir_c8', 'depths': [32]}] * 17), 'more than 512 blocks'),
    (_changed(stages=[{'block': 'maxpool2', 'depths': [9]}]), 'pool'),
  ],
)
def test_what_is_no_space_is_refused_in_a_line(found, message):
  with pytest.raises(SpecError, match=message) as caught:
    nas.space_from_json(found)
  assert '\n' not in str(caught.value)


@pytest.mark.parametrize('content', [b'{', b'\xff', b'[' * 100_000, b' ' * ((1 << 20) + 1)])
def test_a_file_that_is_no_space(tmp_path, content):
  file = tmp_path / 'bad.json'
  file.write_bytes(content)
  with pytest.raises(TflmPatchError, match=r'bad\.json: '):
    nas.load_space(file)


def test_names_that_nothing_has(tmp_path):
  with pytest.raises(SpecError, match='did you mean "mcunet"'):
    nas.load_space('mcunett')
  with pytest.raises(TflmPatchError, match='cannot be read'):
    nas.load_space(tmp_path / 'none.json')


def test_picks_of_another_space_are_refused():
  space = nas.load_space('proxyless')
  with pytest.raises(SpecError, match='picks for'):
    space.spec_of((0, 0))
  with pytest.raises(SpecError, match='input has no option 1'):
    space.spec_of((1, *([0] * (len(space.decisions) - 1))))


def test_a_space_in_python():
  stage = nas.StageChoice(Block('ir', channels=16), depths=(1, 2), expansions=(2.0, 3.0))
  space = nas.SearchSpace('own', ((8, 8, 1),), stages=(stage,), head=Head('fc', classes=2))
  assert {len(space.spec_of(picks).blocks) for picks in space.samples(20, seed=1)} == {1, 2}


def test_nanonas_cells():
  """k filters, then cells of 2, 1.5, 1.25, ... times the filters of the cell before."""
  space = nas.load_space('nanonas')
  width = space.widths.index(2.0)  # k = 8
  picks = [0, width, 2, 0, *[0, 0] * 5]
  spec = space.spec_of(space.canonical(picks))
  assert [block.kind for block in spec.blocks] == ['conv', *['conv', 'maxpool'] * 3]
  assert [block.channels for block in spec.blocks if block.channels] == [8, 16, 24, 30]
  assert {block.kernel for block in spec.blocks if block.kind == 'conv'} == {(3, 3)}
  assert nas.space_from_json(nas.space_to_json(space)) == space


@pytest.mark.parametrize(
  ('stage', 'message'),
  [
    ({'growth': [2]}, 'stage0.growth is not 2 numbers'),
    ({'growth': [2, 100]}, 'above 0 and at most 64'),
    ({'growth': [2, 0]}, 'growth'),
    ({'after': 'maxpool2'}, 'after": is no list'),
    ({'after': ['pool']}, 'after'),
  ],
)
def test_cells_that_mean_nothing(stage, message):
  space = {'inputs': [[16, 16, 3]], 'stages': [{'block': 'conv3_c4', 'depths': [1, 2], **stage}]}
  with pytest.raises(SpecError, match=message):
    nas.space_from_json(space)


def test_cells_share_nothing():
  space = nas.load_space('nanonas')
  with pytest.raises(TflmPatchError, match=r'cells .* have no masks'):
    plan_masks(space, 0)
  with pytest.raises(TflmPatchError, match=r'cells .* share no weights'):
    SharedSpace(space)


def test_greedy_grows_cells():
  """Cells while they help, then filters, as in NanoNAS: the score here falls after 3 cells."""
  space = nas.load_space('nanonas')
  problem = Problem(space, nas.Objectives(), lambda picks: True)
  strategy, seen = strategy_of('greedy', problem), []
  while asked := strategy.ask(random.Random(1)):
    (picks,) = asked
    spec = space.spec_of(picks)
    cells, filters = (len(spec.blocks) - 1) // 2, spec.blocks[0].channels
    seen.append((filters, cells))
    score = filters - 5 * abs(cells - 3) if filters < 5 else 0
    strategy.tell([Trial(len(seen) - 1, picks, '', score, None)])
  assert seen[:4] == [(2, 1), (2, 2), (2, 3), (2, 4)]
  assert (3, 3) in seen and (4, 3) in seen and seen[-1][0] == 5
