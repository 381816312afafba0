# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Receptive-field redistribution: MobileNetV2-RD, objectives, inherited weights."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tflm_patch import architecture
from tflm_patch.errors import TflmPatchError
from tflm_patch.training import Objective, RedistributionOptions, redistribute
from tflm_patch.training.redistribution import candidates, growth
from tflm_patch.training.redistribution.figures import macs_of

SMALL = 'in64x64x3 conv3_s2_c8 ir_k5_e1_c8 ir_k7_e4_s2_c16 ir_k5_e4_c16 x2 ir_k3_e4_s2_c24 x3 fc10'
TWO = (2, 2)


def test_mobilenet_v2_rd():
  """The published figures of MCUNetV2, by the optimiser."""
  options = RedistributionOptions(goal=0.18, network_overhead=0.03)
  found = redistribute('mobilenet_v2:1.0:224', options)
  before, after = found.before, found.after
  assert before.patch == (75, 75) and before.halo == (19, 19)
  assert before.receptive_field == (27, 27)
  assert before.stage_overhead == pytest.approx(0.419, abs=5e-4)
  assert before.network_overhead_exact == pytest.approx(0.093, abs=5e-4)
  assert max(after.patch) <= 63 and after.stage_overhead <= 0.18
  assert after.network_overhead_exact <= 0.03
  assert abs(after.macs / before.macs - 1) <= 0.02
  assert after.arena < before.arena and after.line_buffer_bytes < before.line_buffer_bytes
  assert any(line.startswith('added') for line in found.changes)
  assert macs_of(found.spec) == after.macs


@pytest.mark.slow
@pytest.mark.parametrize('objective', Objective)
def test_objectives_get_smaller(objective):
  options = RedistributionOptions(objective, blocks=4, grid=TWO, macs_tolerance=0.1)
  found = redistribute(SMALL, options)

  def value(figures):
    return {
      Objective.OVERHEAD: figures.stage_overhead,
      Objective.LINE_BUFFERS: figures.line_buffer_bytes,
      Objective.ARENA: figures.arena,
    }[objective]

  assert value(found.after) < value(found.before)
  assert found.before.blocks == 4 and found.after.blocks <= 4
  assert abs(found.after.macs / found.before.macs - 1) <= 0.1
  text = str(found)
  assert 'patch side on the image' in text and f'{found.after.arena:,}' in text


@pytest.mark.slow
def test_of_what_will_do_the_most_is_kept():
  """No stage of more MACs reaches the goal; all were tried."""
  spec = architecture.load(SMALL)
  options = RedistributionOptions(goal=0.2, blocks=4, grid=TWO, macs_tolerance=0.2)
  found = redistribute(spec, options)
  loose = redistribute(spec, dataclasses.replace(options, goal=10.0))
  assert loose.spec == spec and loose.changes == ()
  assert found.after.stage_overhead <= 0.2 < found.before.stage_overhead


def test_kernels_stay_as_large_as_strides():
  spec = architecture.load(SMALL)
  for block, options in zip(spec.blocks, candidates.choices(spec, 5, 1, (2.0,))):
    assert options[0] == block
    for option in options:
      if option is not None:
        assert min(option.kernel) >= option.stride[0]
        assert option.channels == block.channels and option.stride == block.stride
  stem, *_, last = candidates.choices(spec, 5, 1, ())
  assert [each.kernel[0] for each in stem] == [3] and None in last


def test_large_stages_go_step_by_step(monkeypatch):
  spec = architecture.load(SMALL)
  options = RedistributionOptions(goal=0.3, blocks=4, grid=TWO, macs_tolerance=0.3)
  best = redistribute(spec, options)
  monkeypatch.setattr(candidates, '_EXHAUSTIVE', 1)
  found = redistribute(spec, options)
  assert found.after.stage_overhead <= 0.3 < found.before.stage_overhead
  assert best.after.stage_overhead <= 0.3


def test_additions_come_close():
  spec = architecture.load(SMALL)
  options = growth.growths(spec, 4)
  assert options and all(macs > 0 for macs in (each.macs for each in options))
  for each in options:
    grown = growth.with_added(spec, [each])
    assert macs_of(grown) - macs_of(spec) == each.macs
    assert architecture.to_graph(grown)
  wanted = 2 * options[0].macs
  chosen = growth.choose(options, wanted, 4, 0)
  assert sum(each.macs for each in chosen) == wanted
  assert growth.choose(options, 0, 4, 100) == []


def test_what_cannot_be_reached():
  with pytest.raises(TflmPatchError, match='overhead gets down to'):
    redistribute(SMALL, RedistributionOptions(goal=0.0, blocks=4, grid=TWO))
  with pytest.raises(TflmPatchError, match=r'MACs .* remain'):
    redistribute(
      SMALL, RedistributionOptions(goal=0.2, blocks=4, grid=TWO, most_added=0, macs_tolerance=0.0)
    )
  with pytest.raises(TflmPatchError, match='neither rows nor columns'):
    redistribute('ad_autoencoder')
  with pytest.raises(TflmPatchError, match='9 blocks of a spec that has 8'):
    redistribute(SMALL, RedistributionOptions(blocks=9))
  with pytest.raises(TflmPatchError, match='tolerance'):
    RedistributionOptions(macs_tolerance=2)


# ---- inherited weights ----


def randomized(model):
  rng = np.random.default_rng(0)
  for weight in model.weights:
    shape = tuple(weight.shape)
    if 'variance' in weight.path or 'gamma' in weight.path:
      weight.assign(rng.uniform(0.5, 1.5, shape))
    else:
      weight.assign(rng.normal(0, 0.3, shape))
  return model


def array(weight):
  from keras import ops

  return np.asarray(ops.convert_to_numpy(weight))


@pytest.mark.parametrize(
  'line',
  (
    'in24x24x3 conv3_s2_c8 ir_k3_e2_s2_c12 ir_k3_e4_c12 fc4',
    'in24x24x3 conv3_s2_c8_relu ds3_s2_c16_relu ds3_c16_relu fc4',
    'in24x24x3 conv3_s2_c8_relu basic3_s2_c16 basic3_c16 fc4',
  ),
)
def test_new_blocks_change_nothing(keras, line):
  """A network with blocks that are only added computes what it did."""
  from tflm_patch import models
  from tflm_patch.training.redistribution.inherit import inherit

  spec = architecture.load(line)
  chosen = growth.growths(spec, 1)[:1] * 2
  assert len(chosen) == 2
  grown = growth.with_added(spec, chosen)
  model = randomized(models.build(spec))
  made = inherit(model, spec, grown, growth.origins(spec, chosen))
  x = np.random.default_rng(1).normal(size=(4, 24, 24, 3)).astype(np.float32)
  assert len(made.layers) > len(model.layers)
  wanted = model.predict(x, verbose=0)
  assert np.allclose(made.predict(x, verbose=0), wanted, atol=1e-4 * np.abs(wanted).max())


def test_kernels_are_cropped_and_the_rest_stays(keras):
  from tflm_patch import models

  model = randomized(models.build(SMALL))
  options = RedistributionOptions(goal=0.2, blocks=4, grid=TWO, macs_tolerance=0.2, expansions=())
  found = redistribute(model, options)
  assert models.spec_of(found.model) == found.spec

  def depthwise(of):
    """The depthwise layer of the block that makes 16 channels from 8."""
    spec = models.spec_of(of)
    block = next(k for k, each in enumerate(spec.blocks) if each.channels == 16)
    names = models.layer_names(spec)[block]
    return of.get_layer(next(each for each in names if each.startswith('depthwise')))

  old, new = depthwise(model), depthwise(found.model)
  size = int(new.kernel.shape[0])
  assert size < 7
  first = (7 - size) // 2
  cropped = array(old.kernel)[first : first + size, first : first + size]
  assert np.array_equal(array(new.kernel), cropped)
  ends = [[each for each in m.layers if each.weights][-1] for m in (model, found.model)]
  assert np.array_equal(array(ends[0].kernel), array(ends[1].kernel))
  assert np.array_equal(
    array(model.get_layer('conv_2d_0').kernel), array(found.model.get_layer('conv_2d_0').kernel)
  )


def test_narrower_blocks_keep_their_largest_channels(keras):
  """With the channels that go at zero, the narrower network computes the same."""
  from tflm_patch import models
  from tflm_patch.training.redistribution.inherit import inherit

  spec = architecture.load('in16x16x3 conv3_s2_c8 ir_k3_e4_s2_c12_se0.5 fc4')
  narrow = dataclasses.replace(
    spec, blocks=(spec.blocks[0], dataclasses.replace(spec.blocks[1], expansion=2.0))
  )
  model = randomized(models.build(spec))
  project = [layer for layer in model.layers if layer.name.startswith('conv_2d')]
  last = [layer for layer in project if not layer.name.endswith(('_norm', '6'))][-1]
  values = array(last.kernel).copy()
  values[..., ::2, :] = 0
  last.kernel.assign(values)
  # The gates of channels that go have a part in nothing else.
  squeeze = model.get_layer('conv_2d_4')
  gates = array(squeeze.kernel).copy()
  gates[..., ::2, :] = 0
  squeeze.kernel.assign(gates)
  made = inherit(model, spec, narrow, [0, 1])
  x = np.random.default_rng(1).normal(size=(4, 16, 16, 3)).astype(np.float32)
  wanted = model.predict(x, verbose=0)
  assert np.allclose(made.predict(x, verbose=0), wanted, atol=1e-4)
