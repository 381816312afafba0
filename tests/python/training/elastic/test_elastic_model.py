# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Sub-networks within the whole: what they compute, what training opens, what comes out."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_patch import architecture, models
from tflm_patch.errors import TflmPatchError
from tflm_patch.training import Elasticity, NetAug, NetAugOptions, elastic_space

SPEC = architecture.load(
  'in9x9x2 conv3_s2_c4 ir_k5_e3_s2_c4_se0.5 ir_k5_e3_c4_hswish ir_k3_e2_c4 fc3'
)
SPACE = elastic_space(SPEC, Elasticity((3,), (1.5, 2), 1))
INPUTS = np.random.default_rng(0).normal(size=(16, 9, 9, 2)).astype(np.float32)
LABELS = np.arange(16) % 3


def supernet(sliced=False, space=SPACE, **options):
  from tflm_patch.training import ElasticModel, ElasticOptions

  model = ElasticModel(space, ElasticOptions(sliced=sliced, **options))
  scramble(model.network)
  return model


def scramble(network):
  """Weights and statistics as no initialisation gives them."""
  rng = np.random.default_rng(1)
  for weight in network.weights:
    values = rng.uniform(0.5, 1.5, weight.shape)
    if 'variance' not in weight.path:
      values = values * rng.choice([-1, 1], weight.shape)
    weight.assign(values * 0.5)


def compiled(keras, model, **more):
  loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
  model.compile(keras.optimizers.SGD(0.05), loss, jit_compile=False, **more)
  return model


def test_sub_networks_compute_what_they_compute_alone(keras):
  from tflm_patch.training.elastic import weights

  model = supernet()
  rng = np.random.default_rng(2)
  for sub in (SPACE.uniform(0), SPACE.uniform(9), *(SPACE.sample(rng) for _ in range(3))):
    model.judge(sub)
    alone = weights.extract(model.network, SPACE.spec_of(sub), SPACE.origin(sub))
    assert models.spec_of(alone) == SPACE.spec_of(sub)
    wanted = np.asarray(alone(INPUTS))
    np.testing.assert_allclose(np.asarray(model(INPUTS)), wanted, rtol=1e-4, atol=1e-5)


def test_sorted_channels_compute_the_same(keras):
  from tflm_patch.training.elastic.ordering import sort_channels

  model = supernet()
  before = np.asarray(model(INPUTS))
  sort_channels(model.network)
  np.testing.assert_allclose(np.asarray(model(INPUTS)), before, rtol=1e-4, atol=1e-5)

  def strength(*names):
    kernels = [np.asarray(model.network.parts[name].kernel) for name in names]
    return sum(
      np.abs(kernel.reshape(-1, *kernel.shape[-2:])).sum(axis=(0, 2)) for kernel in kernels
    )

  # Channels inside a bottleneck, and those of a map that is added to, which three layers read.
  assert (np.diff(strength('conv_2d_13')) <= 0).all()
  assert (np.diff(strength('conv_2d_9', 'conv_2d_15', 'fully_connected_20')) <= 1e-5).all()


def test_recalibration_gives_the_statistics_of_the_samples(keras):
  from tflm_patch.training import recalibrate

  model = models.build('in4x4x2 conv1_c3_linear fc2')
  norm = model.get_layer('conv_2d_0_norm')
  samples = np.random.default_rng(3).normal(2, 3, (48, 4, 4, 2)).astype(np.float32)
  recalibrate(model, samples, batch=16)
  kernel = np.asarray(model.get_layer('conv_2d_0').kernel)[0, 0]
  made = samples @ kernel
  np.testing.assert_allclose(np.asarray(norm.moving_mean), made.mean((0, 1, 2)), rtol=1e-4)
  parts = made.reshape(3, 16 * 16, 3).var(axis=1).mean(axis=0)
  np.testing.assert_allclose(np.asarray(norm.moving_variance), parts, rtol=1e-4)
  assert norm.momentum == 0.99
  with pytest.raises(TflmPatchError, match='without samples'):
    recalibrate(model, samples[:0])


def test_slices_are_masks(keras):
  """What TensorFlow cuts out is what is masked, in training too."""
  if keras.backend.backend() != 'tensorflow':
    pytest.skip('slices need TensorFlow')
  masked, sliced = supernet(), supernet(sliced=True)
  rng, images = np.random.default_rng(4), keras.ops.convert_to_tensor(INPUTS)
  for sub in (SPACE.uniform(9), SPACE.sample(rng)):
    table = keras.ops.convert_to_tensor(SPACE.table(sub))
    for training in (False, True):
      found = [np.asarray(m.network([images, table], training=training)) for m in (masked, sliced)]
      np.testing.assert_allclose(found[1], found[0], rtol=1e-3, atol=1e-4)
  # The statistics that both use, of the first channels, moved alike.
  table = keras.ops.convert_to_tensor(SPACE.table(SPACE.uniform(9)))
  found = [np.asarray(m.network([images, table], training=False)) for m in (masked, sliced)]
  np.testing.assert_allclose(found[1], found[0], rtol=1e-3, atol=1e-4)


def test_progressive_shrinking(keras):
  """Phases open options; any sub-network comes out as a plain model that has learned."""
  from tflm_patch.training import Phase, ProgressiveShrinking, Slot

  model = compiled(keras, supernet(slots=(Slot.FIRST, Slot.LAST)))
  opened = []
  note = keras.callbacks.LambdaCallback(
    on_epoch_begin=lambda epoch, logs: opened.append(
      (np.asarray(model._open).tolist(), model.slots)
    )
  )
  phases = (Phase(1), Phase(1, kernels=None, depths=2, expansions=2, learning_rate=0.02))
  shrinking = ProgressiveShrinking(phases)
  history = model.fit(
    INPUTS, LABELS, epochs=3, batch_size=8, verbose=0, callbacks=[shrinking, note]
  ).history
  assert history['shrinking_phase'] == [0, 1, 1]
  assert opened[0] == ([1] * len(SPACE.groups), (Slot.FIRST,))
  assert opened[1] == ([2] * len(SPACE.groups), (Slot.FIRST, Slot.LAST))
  assert float(model.optimizer.learning_rate) == pytest.approx(0.02)
  small = model.extract(SPACE.uniform(9), INPUTS)
  assert models.spec_of(small) == SPACE.spec_of(SPACE.uniform(9))
  assert np.isfinite(np.asarray(small(INPUTS))).all()


def test_phases(keras):
  from tflm_patch.training import Phase, ProgressiveShrinking, once_for_all

  phases = once_for_all(24)
  assert sum(phase.epochs for phase in phases) == 24 and phases[0].is_whole
  assert [(p.kernels, p.depths, p.expansions) for p in phases[1:]] == [
    (None, 1, 1),
    (None, 2, 1),
    (None, None, 1),
    (None, None, 2),
    (None, None, None),
  ]
  callback = ProgressiveShrinking((Phase(2), Phase(1, kernels=2)))
  assert [callback.phase_of(epoch) for epoch in range(4)] == [
    (0, True),
    (0, False),
    (1, True),
    (1, False),
  ]
  with pytest.raises(TflmPatchError, match='six phases'):
    once_for_all(5)
  callback.set_model(models.build('in4x4x1 conv3_c2 fc2'))
  with pytest.raises(TflmPatchError, match='ElasticModel'):
    callback.on_train_begin()


def test_net_aug(keras):
  """The network within is the network alone; a step trains it and what is around it."""
  from tflm_patch.training import EndAugmentation
  from tflm_patch.training.elastic import weights

  spec = 'in9x9x2 conv3_s2_c4 ir_k3_e1_c4 ir_k3_e3_s2_c6_se0.5 ir_k3_e2_c6 maxpool2 fc3'
  model = compiled(keras, NetAug(spec, NetAugOptions(weight=0.5)))
  scramble(model.network)
  base = model.space.uniform(0)
  alone = weights.extract(model.network, model.spec, model.space.origin(base))
  wanted = np.asarray(alone(INPUTS))
  np.testing.assert_allclose(np.asarray(model(INPUTS)), wanted, rtol=1e-4, atol=1e-5)
  before = [np.array(weight) for weight in model.network.trainable_weights]
  model.fit(INPUTS, LABELS, epochs=2, batch_size=8, verbose=0, callbacks=[EndAugmentation(1)])
  after = [np.asarray(weight) for weight in model.network.trainable_weights]
  stem = next(k for k, each in enumerate(before) if each.shape == (3, 3, 2, 10))
  assert (before[stem][..., :4] != after[stem][..., :4]).all()
  assert (before[stem][..., 4:7] != after[stem][..., 4:7]).any()
  made = model.result(INPUTS)
  assert models.spec_of(made) == model.spec
  assert made.count_params() == models.build(spec).count_params()
  with pytest.raises(TflmPatchError, match='0 or more'):
    NetAugOptions(weight=-1)
