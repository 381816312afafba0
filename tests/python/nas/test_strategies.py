# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Strategies: candidates fit, are new, depend on the seed alone, and get better.

The score is a made-up one with a known best candidate, so that thousands cost nothing.
"""

import dataclasses
import random
import statistics

import pytest

from tflm_patch import nas
from tflm_patch.architecture import SpecError
from tflm_patch.errors import TflmPatchError
from tflm_patch.nas.chance import rng_of
from tflm_patch.nas.needs import Needs, Schedule
from tflm_patch.nas.objectives import Objectives
from tflm_patch.nas.strategies import STRATEGIES, Problem, strategy_of
from tflm_patch.nas.strategies.drawing import Drawer
from tflm_patch.nas.strategies.morphisms import morphed
from tflm_patch.nas.trial import Trial, pareto_front

SETTINGS = {
  'evolution': {'population': 20, 'parents': 5},
  'aging': {'population': 20, 'tournament': 8},
}
UNTRAINED = sorted(set(STRATEGIES) - {'differentiable'})  # which has tests of its own
SPACE = nas.load_space('mcunet')
LIMIT = 60


def size(picks):
  """Of a candidate; the limit is a little above the middle."""
  return sum(picks)


def score(picks):
  """Best where every decision is option 1."""
  return -sum(abs(pick - 1) for pick in picks)


def problem(limit=LIMIT):
  return Problem(SPACE, Objectives(axes=('arena',)), lambda picks: size(picks) <= limit)


def trial(number, picks):
  needs = Needs(Schedule.PLAIN, size(picks), size(picks), 1, 1)
  return Trial(number, picks, '', score(picks), needs)


def run(name, count, seed=1, limit=LIMIT, killed=()):
  """Trials of a strategy; after each number in `killed` it begins anew and is told all."""
  strategy, told, batches = strategy_of(name, problem(limit), **SETTINGS.get(name, {})), [], []
  while len(told) < count:
    asked = strategy.ask(rng_of(seed, len(told)))
    if not asked:
      break
    batches.append([trial(len(told) + k, picks) for k, picks in enumerate(asked)])
    told += batches[-1]
    strategy.tell(batches[-1])
    if len(batches) in killed:
      strategy, begun = strategy_of(name, problem(limit), **SETTINGS.get(name, {})), 0
      for batch in batches:
        assert strategy.ask(rng_of(seed, begun)) == [each.picks for each in batch]
        strategy.tell(batch)
        begun += len(batch)
  return told


def optuna_if(name):
  if name == 'bayesian':
    pytest.importorskip('optuna')


@pytest.mark.slow
@pytest.mark.parametrize('name', UNTRAINED)
def test_candidates_fit_and_none_comes_twice(name):
  optuna_if(name)
  told = run(name, 60)
  assert told and all(size(each.picks) <= LIMIT for each in told)
  assert len({each.picks for each in told}) == len(told)
  assert all(SPACE.canonical(each.picks) == each.picks for each in told)


@pytest.mark.slow
@pytest.mark.parametrize('name', UNTRAINED)
def test_a_search_depends_on_its_seed_alone_and_a_kill_changes_nothing(name):
  optuna_if(name)
  told = run(name, 40)
  assert run(name, 40, killed=(1, 3, 30)) == told
  if name != 'greedy':
    assert run(name, 40, seed=2) != told


@pytest.mark.parametrize(
  'name', ['evolution', 'aging', 'greedy', pytest.param('bayesian', marks=pytest.mark.slow)]
)
def test_it_finds_better_ones_than_chance(name):
  optuna_if(name)
  seeds, count = range(1, 6), 120

  def best(strategy):
    return statistics.mean(
      max(t.score for t in run(strategy, count, seed)[:count]) for seed in seeds
    )

  assert best(name) > best('random')


def test_it_ends_when_there_is_nothing_new():
  stage = nas.StageChoice(SPACE.stages[0].block, kernels=((3, 3), (5, 5)))
  tiny = nas.SearchSpace('tiny', ((16, 16, 3),), (0.5, 1.0), stages=(stage,))
  strategy = strategy_of('random', Problem(tiny, Objectives(), lambda picks: picks[1] == 0))
  found = [strategy.ask(rng_of(k)) for k in range(3)]
  smallest, other = (0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 1, 0)
  assert sorted(picks for batch in found for picks in batch) == [smallest, other]
  assert found[2] == []


def test_what_hardly_ever_fits_is_made_smaller():
  drawer = Drawer(problem(limit=4))
  found = [drawer.by_chance(random.Random(k)) for k in range(5)]
  assert None not in found and all(size(picks) <= 4 for picks in found)


def test_a_morphism_is_one_step():
  rng = random.Random(5)
  for _ in range(200):
    picks = SPACE.sample(rng)
    child = morphed(SPACE, picks, rng)
    changed = [d.name for d, a, b in zip(SPACE.decisions, picks, child) if a != b]
    assert child != picks and SPACE.canonical(child) == child
    depths = [name for name in changed if name.endswith('.depth')]
    if not depths:
      assert len(changed) == 1
    else:
      assert {name.split('.')[0] for name in changed} == {depths[0].split('.')[0]}
      before, after = (len(SPACE.spec_of(each).blocks) for each in (picks, child))
      assert abs(before - after) == 1
      if after > before:
        at = [d.name for d in SPACE.decisions].index(depths[0])
        last = at + 2 * SPACE.stages[0].depths[picks[at]]  # every stage has the same depths
        assert child[last + 2 : last + 4] == picks[last : last + 2]


def test_greedy_goes_deeper_then_wider():
  told = run('greedy', 200, limit=10_000)
  names = [decision.name for decision in SPACE.decisions]
  first = dict(zip(names, told[0].picks))
  assert sum(first.values()) == 0
  second = dict(zip(names, told[1].picks))
  assert [name for name in names if second[name] != first[name]] == ['stage0.depth']
  assert max(told, key=lambda each: each.score).score > told[0].score
  assert len(told) < 200  # it ended by itself


def test_a_pareto_front():
  def point(number, value, arena):
    return Trial(number, (number,), '', value, Needs(Schedule.PLAIN, arena, arena, 1, 1))

  trials = [point(0, 1, 10), point(1, 2, 20), point(2, 2, 30), point(3, 1, 10), point(4, 3, 20)]
  assert [each.number for each in pareto_front(trials, ('arena',))] == [4, 0]
  assert [each.number for each in pareto_front(trials, ())] == [4]


def test_names_and_settings():
  with pytest.raises(SpecError, match='unknown strategy; did you mean "evolution"'):
    strategy_of('evolutoin', problem())
  with pytest.raises(TflmPatchError, match='population of 2 or more'):
    strategy_of('evolution', problem(), population=1)
  with pytest.raises(TflmPatchError, match='tournaments up to it'):
    strategy_of('aging', problem(), population=3, tournament=4)


@pytest.mark.parametrize('name', ['evolution', 'aging', 'random'])
def test_a_proxy_chooses_among_candidates(name):
  """Larger numbers are asked for; what is passed over may be asked for later."""

  def asked(**proxied):
    plain = Problem(SPACE, Objectives(axes=('arena',)), lambda picks: size(picks) <= LIMIT)
    strategy = strategy_of(name, dataclasses.replace(plain, **proxied), **SETTINGS.get(name, {}))
    found = []
    while len(found) < 20:
      found += strategy.ask(rng_of(1, len(found)))
    return found

  calls = []

  def proxy(picks):
    calls.append(picks)
    return size(picks)

  plain, chosen = asked(), asked(proxy=proxy, proxied=6)
  assert all(size(picks) <= LIMIT for picks in chosen) and len(set(chosen)) == len(chosen)
  assert len(calls) == 6 * len(chosen)
  assert statistics.mean(map(size, chosen)) > statistics.mean(map(size, plain)) + 1
  assert asked(proxy=proxy, proxied=6) == chosen
