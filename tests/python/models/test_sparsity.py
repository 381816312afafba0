# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Iterative hard thresholding while a model is trained."""

from __future__ import annotations

import numpy as np
import pytest

from tflm_patch import models


def test_the_largest_stay():
  from tflm_patch.models.sparsity import largest  # needs a backend of Keras

  values = np.array([[3.0, -5.0, 0.5], [1.0, -2.0, 4.0]])
  assert largest(values, 0.5).tolist() == [[True, True, False], [False, False, True]]
  assert largest(values, 0.01).sum() == 1 and largest(values, 1.0).all()


def test_three_phases(keras):
  rng = np.random.default_rng(0)
  x = rng.normal(size=(64, 5, 4)).astype(np.float32)
  labels = (x.sum(axis=(1, 2)) > 0).astype(int)
  source = keras.Input((5, 4))
  layer = models.FastGRNN(8, state_rank=4)
  model = keras.Model(source, keras.layers.Dense(2)(layer(source)))
  model.compile(
    optimizer=keras.optimizers.Adam(0.01),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    jit_compile=False,
  )
  kernel = layer.state_projection.first.kernel
  seen = []

  class Watch(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
      sync = getattr(self.model, 'jax_state_sync', None)
      if sync is not None:
        sync()
      seen.append(np.array(keras.ops.convert_to_numpy(kernel)))

  sparse = models.HardThresholding({'state_projection_first': 0.25}, start=2, stop=4)
  model.fit(x, labels, epochs=6, batch_size=16, verbose=0, callbacks=[sparse, Watch()])
  zeros = [int((values == 0).sum()) for values in seen]
  assert zeros == [0, 0, 24, 24, 24, 24]  # of 32
  assert np.array_equal(seen[3] == 0, seen[5] == 0) and not np.array_equal(seen[3], seen[5])
  assert np.count_nonzero(keras.ops.convert_to_numpy(layer.input_projection.last.kernel)) == 32


def test_phases_in_order():
  for arguments in (({'a': 0.0}, 1, 2), ({'a': 0.5}, 2, 2)):
    with pytest.raises(ValueError, match='densities above 0'):
      models.HardThresholding(*arguments)
