# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The constraint engine says of specs what converting their graphs gives."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.architecture import RandomScales, named, parse_spec, to_graph, with_random_weights
from tflm_patch.architecture.spaces import MCUNET, Stage
from tflm_patch.conversion import spec_engine, spec_size
from tflm_patch.conversion.fit_types import Budget, Gear, Verdict
from tflm_patch.conversion.spec_stage import stage_of
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.lowering.partition import partition
from tflm_patch.planner.lowering.region import lower_region

# Small networks of the same kind: their conversions take a fraction of a second.
SMALL = dataclasses.replace(
  MCUNET,
  resolutions=(32, 40, 48, 56, 64),
  stages=(Stage(24, 2, (1, 2)), Stage(40, 2, (1, 2)), Stage(80, 2, (1, 2))),
)
NAMES = (
  'resnet8',
  'ds_cnn',
  'ad_autoencoder',
  'mobilenet_v1:0.25:96:2',
  'mobilenet_v2:0.35:96',
  'fomo',
)
OTHERS = (
  'in32x32x3 conv3_s2_c8 ir_k3_e3_c8_se0.25_hswish ir_k3_e4_s2_c16_hswish fc10',
  'in24x24x3 conv3_c8 maxpool2 er_k3_e2_c8 ds3_s2_c24 avgpool2 flatfc4_softmax',
  'in8x8x2 conv3_c4_valid dw3 conv1_c3 none',
  'in33x47x3 conv5x3_s2x1_c6 ir_k5_e3_s2_c8_valid fomo2',
  'in32x32x3 conv3_s2_c8 ir_k3_e3_s2_c16 ir_k3_e3_s2_c24 yolo2_s2',
  'in32x32x3 conv3_s2_c8 ir_k3_e3_s2_c16 ssd3_a2_s2',
  'in3x3x2 conv1_c2 fc2',
)
SPECS = [*SMALL.samples(6, seed=1), *map(named, NAMES), *map(parse_spec, OTHERS)]


BLIND = ConvertOptions(plugins=('-constant_channels',))  # as the engine, which knows no weights


def converted(spec, scales=None, seed=0, options=BLIND):
  model = with_random_weights(to_graph(spec, scales), seed)
  return convert_model(serialize_model(model), options)


@pytest.mark.parametrize('spec', SPECS, ids=range(len(SPECS)))
def test_requirements_are_those_of_the_conversion(spec):
  required = spec_engine.requirements_of(spec)
  result = converted(spec, RandomScales(5), seed=5)
  assert required.arena.total == result.converted_arena.total
  assert required.arena.required == result.converted_arena.required
  assert required.macs == result.converted_macs
  assert required.flash == pytest.approx(result.converted_bytes, rel=0.01)


@pytest.mark.parametrize('spec', SMALL.samples(4, seed=2), ids=range(4))
def test_trained_scales_do_not_raise_the_arena(spec):
  required = spec_engine.requirements_of(spec)
  for seed in range(3):
    result = converted(spec, RandomScales(seed), seed, ConvertOptions())
    assert result.converted_arena.total <= required.arena.total
    assert result.converted_macs <= required.macs


@pytest.mark.parametrize('spec', SPECS, ids=range(len(SPECS)))
def test_the_stage_is_that_of_the_graph(spec):
  stage = stage_of(spec)
  model = to_graph(spec)
  regions = partition(model, model.main).regions
  if stage is None:
    assert len(model.main.outputs) > 1 or len(regions) != 1
    return
  graph = lower_region(model, model.main, regions[0])
  ours = stage.graph
  assert (ours.inputs, ours.outputs) == (graph.inputs, graph.outputs)
  for a, b in zip(ours.maps, graph.maps, strict=True):
    for field in ('rows', 'cols', 'channels', 'dtype', 'zero_point', 'role', 'view'):
      assert getattr(a, field) == getattr(b, field)
  for a, b in zip(ours.ops, graph.ops, strict=True):
    for field in dataclasses.fields(a):
      if field.name not in ('reads', 'params'):
        assert getattr(a, field.name) == getattr(b, field.name), field.name
    for ours_read, read in zip(a.reads, b.reads, strict=True):
      np.testing.assert_array_equal(ours_read.first, read.first)
      np.testing.assert_array_equal(ours_read.last, read.last)


@pytest.mark.parametrize('name', NAMES[1:])
def test_program_and_constants_are_counted(name):
  spec = named(name)
  result = converted(spec, RandomScales(3), seed=3)
  for stage in result.stages:
    graph = stage.plan.graph
    parts = spec_size.parts_of(graph.maps, graph.ops)
    steps = sum(len(segment.steps) for segment in stage.plan.segments)
    program = spec_size.program_of(parts, steps, len(stage.plan.segments))
    assert program == len(stage.encoded.program)
    # Some small arrays are equal even in a trained network, and stored once.
    assert 0 <= parts.constant_bytes - len(stage.encoded.constants) <= 64


@pytest.mark.slow
def test_cuts_in_two_are_met():
  """Some of the specs here become two stages, some do not."""
  counts = {len(converted(spec).stages) for spec in SPECS}
  assert {1, 2} <= counts


@pytest.mark.parametrize('spec', SPECS[:8], ids=range(8))
def test_verdicts_around_the_arena(spec):
  arena = spec_engine.requirements_of(spec).arena.required
  gears = set()
  for limit in (1, arena // 2, arena - 16, arena - 1, arena, arena + 16, 2 * arena, 1 << 24):
    fit = spec_engine.decide(spec, Budget(limit))
    assert fit.fits == (arena <= limit), limit
    gears.add(fit.gear)
    assert fit.spare_bytes >= 0 if fit.fits else fit.spare_bytes < 0
    if fit.gear is Gear.FULL:
      assert fit.arena_required == arena
    elif fit.gear is Gear.BRIEF:
      assert arena <= fit.arena_required
    else:
      assert fit.arena_required <= arena
  assert len(gears) > 1


def test_flash():
  spec = named('ds_cnn')
  required = spec_engine.requirements_of(spec)
  for flash, verdict in ((required.flash, Verdict.FITS), (required.flash - 1, Verdict.TOO_LARGE)):
    for answer in (spec_engine.decide, spec_engine.exactly):
      fit = answer(spec, Budget(1 << 20, flash))
      assert fit.verdict is verdict
      assert fit.bound_by == 'flash' or fit.fits
  hopeless = spec_engine.decide(spec, Budget(1 << 20, 1000))
  assert hopeless.gear is Gear.BOUND and hopeless.bound_by == 'flash'


def test_instructions_are_those_of_the_plan():
  spec = named('ds_cnn')
  fit = spec_engine.exactly(spec, Budget(1 << 20, cpu='cortex-m4'))
  (stage,) = converted(spec).stages
  from tflm_patch.planner.work import predict

  assert fit.instructions == predict(stage.plan, 'cortex-m4').instructions
  assert fit.bound_by
