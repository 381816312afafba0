# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Limits and axes: what a candidate needs is what its conversion needs."""

import dataclasses
import random

import pytest

from tflm_patch import targets
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.architecture import Block, Head, SpecError
from tflm_patch.conversion.spec_engine import trained_graph
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.writer import serialize_model
from tflm_patch.nas.checker import Checker
from tflm_patch.nas.needs import Schedule
from tflm_patch.nas.objectives import Objectives
from tflm_patch.nas.space import SearchSpace, StageChoice


@pytest.fixture(scope='module')
def images():
  """Small networks of images that are large beside their maps."""
  stages = (
    StageChoice(Block('ir', stride=(2, 2), channels=16), (1, 2), expansions=(2.0, 4.0)),
    StageChoice(Block('ir', stride=(2, 2), channels=24), (1, 2), expansions=(2.0, 4.0)),
  )
  stem = (Block('conv', stride=(2, 2), channels=8),)
  return SearchSpace('images', ((48, 48, 3), (96, 96, 3)), (0.5, 1.0), stem, stages, (), Head())


def test_needs_are_those_of_the_conversion(images):
  checker = Checker(images, Objectives.of(target='stm32f412'))
  for picks in images.samples(4, seed=1):
    needs = checker.needs(picks)
    data = serialize_model(trained_graph(images.spec_of(picks)))
    result = convert_model(data, ConvertOptions(plugins=('-constant_channels', '-zero_taps')))
    assert needs.schedule is Schedule.PLAIN
    assert needs.arena == result.converted_arena.total
    assert needs.arena_required == result.converted_arena.required
    assert needs.macs == result.converted_macs
    assert needs.flash == pytest.approx(result.converted_bytes, rel=0.01)
    assert needs.instructions > needs.macs / 4
    # One to two cycles an instruction, at 100 MHz.
    assert 1 < needs.milliseconds * 100e3 / needs.instructions < 2


def test_a_quick_verdict_is_that_of_the_exact_figures(images):
  exact = Checker(images, Objectives())
  samples = images.samples(30, seed=2)
  limit = sorted(exact.needs(picks).arena_required for picks in samples)[15]
  macs = sorted(exact.needs(picks).macs for picks in samples)[20]
  objectives = Objectives.of(arena=limit, macs=macs)
  quick = Checker(images, objectives)
  verdicts = [quick.fits(picks) for picks in samples]
  assert verdicts == [not objectives.missed(exact.needs(picks)) for picks in samples]
  assert True in verdicts and False in verdicts
  assert quick.checked == len(set(samples))


def test_the_input_comes_by_rows_where_that_makes_it_fit(images):
  picks = images.smallest(1)  # of 96x96x3: 27,648 bytes
  plain = Checker(images, Objectives.of(arena=20_000))
  assert not plain.fits(picks)
  objectives = Objectives.of(arena=20_000, input_rows=1)
  fed = Checker(images, objectives)
  assert fed.fits(picks)
  needs = fed.needs(picks)
  assert needs.schedule is Schedule.ROWS and needs.arena_required <= 20_000
  data = serialize_model(trained_graph(images.spec_of(picks)))
  result = convert_model(data, ConvertOptions(input_rows=1))
  assert needs.arena == result.converted_arena.total
  # What fits without is left as it is.
  assert fed.needs(images.smallest(0)).schedule is Schedule.PLAIN


def test_rows_are_not_tried_where_the_whole_input_would_not_be_enough(images, monkeypatch):
  needs = Checker(images, Objectives()).needs(images.smallest(1))
  limit = needs.arena_required - 96 * 96 * 3 - 1
  checker = Checker(images, Objectives.of(arena=limit, input_rows=1))
  monkeypatch.setattr(Checker, '_converted', None)
  assert not checker.fits(images.smallest(1))


def test_limits_of_a_cost_model(images):
  checker = Checker(images, Objectives.of(target='stm32f412'))
  samples = images.samples(12, seed=4)
  times = sorted(checker.needs(picks).milliseconds for picks in samples)
  limited = Checker(images, Objectives.of(target='stm32f412', milliseconds=times[6]))
  fitting = [picks for picks in samples if limited.fits(picks)]
  assert {checker.needs(picks).milliseconds for picks in fitting} == set(times[:7])
  power = Objectives.of(target='stm32f412', milliwatts=50, axes=('millijoules',))
  found = Checker(images, power).needs(samples[0])
  assert found.millijoules == pytest.approx(found.milliseconds * 0.05)


def test_what_nothing_keeps_is_said_with_what_the_smallest_misses(images):
  checker = Checker(images, Objectives.of(arena=2_000))
  with pytest.raises(TflmPatchError) as caught:
    checker.require_some(images.sample(random.Random(k)) for k in range(1000))
  needs = checker.needs(images.smallest(0))
  text = str(caught.value)
  assert (
    f'arena {needs.arena_required:,} bytes, {needs.arena_required - 2000:,} bytes above' in text
  )
  assert 'in48x48x3' in text and '--input-rows' in text and '\n' not in text
  Checker(images, Objectives.of(arena=20_000)).require_some([])


@pytest.mark.parametrize(
  ('limits', 'rows'),
  [({'arena': 500}, True), ({'arena': 500, 'flash': 500}, False), ({'macs': 9}, False)],
)
def test_rows_are_advised_where_they_may_help(images, limits, rows):
  checker = Checker(images, Objectives.of(**limits))
  with pytest.raises(TflmPatchError) as refusal:
    checker.require_some(images.sample(random.Random(k)) for k in range(5))
  assert ('--input-rows' in str(refusal.value)) == rows


def test_a_chip_gives_limits_that_are_not_given():
  chip = targets.load('stm32f412')
  found = Objectives.of(arena=32_768, target='stm32f412')
  assert found.limits == {'arena': 32_768, 'flash': chip.flash_bytes}
  assert Objectives.of(target=chip).limits['arena'] == chip.sram_contiguous_bytes
  external = dataclasses.replace(chip, flash_bytes=None)
  assert 'flash' not in Objectives.of(target=external).limits


@pytest.mark.parametrize(
  ('arguments', 'message'),
  [
    ({'ram': 3}, '"ram": unknown cost'),
    ({'axes': ('speed',)}, '"speed": unknown cost'),
    ({'arena': 0}, 'arena 0: a limit is above 0'),
    ({'arena': float('inf')}, 'a limit is above 0'),
    ({'milliseconds': 3}, 'milliseconds are those of a chip; name one'),
    ({'milliseconds': 3, 'target': 'rp2040'}, 'rp2040: milliseconds of .* are not predicted'),
    ({'millijoules': 3, 'target': 'stm32f412'}, 'millijoules need the power'),
    ({'milliwatts': -3}, 'power is above 0'),
    ({'input_rows': 0}, 'give 1 or more'),
    ({'allow_slower': True}, 'give one'),
    ({'target': 'stm33'}, 'unknown target'),
  ],
)
def test_objectives_that_mean_nothing(arguments, message):
  with pytest.raises((SpecError, TflmPatchError), match=message):
    Objectives.of(**arguments)
