# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Arrays that remember how they were computed."""

import numpy as np
import pytest

from tflm_patch.training.quantization_aware.traced_array import TracedArray


@pytest.fixture
def traced(keras):
  """An array of a variable, and the variable."""
  variable = keras.Variable(np.arange(1.0, 7.0).reshape(2, 3), dtype='float32')
  return TracedArray.of(
    variable.numpy(), lambda memo: keras.ops.convert_to_tensor(variable)
  ), variable


STEPS = {
  'arithmetic': lambda x: (1 - x / 4) * np.array([1.0, 2.0, 3.0]) + np.sqrt(x + 1e-3),
  'negative': lambda x: -x * 2.0,
  'shape': lambda x: x.reshape(3, 2).transpose(1, 0)[:, None].T,
  'sum': lambda x: x.sum(axis=(0,)),
  'take': lambda x: x.reshape(-1)[np.array([5, 0, 0])],
  'row': lambda x: x[0],
  'einsum': lambda x: np.einsum('io,io->o', x, x),
  'matmul': lambda x: x.reshape(-1) @ np.ones((6, 2)),
  'tile': lambda x: np.tile(x.reshape(-1), 2),
  'broadcast': lambda x: np.broadcast_to(x[0], (4, 3)).copy(),
}


@pytest.mark.parametrize('name', STEPS)
def test_values_follow_the_variable(keras, traced, name):
  array, variable = traced
  result = STEPS[name](array)
  np.testing.assert_allclose(
    result.view(np.ndarray), STEPS[name](np.asarray(variable.numpy(), np.float64))
  )
  variable.assign(variable.numpy()[::-1] + 0.5)
  again = keras.ops.convert_to_numpy(result.tensor({}))
  np.testing.assert_allclose(again, STEPS[name](variable.numpy()), rtol=1e-5, atol=1e-6)


def test_weights_are_never_taken_for_what_they_are_now(traced):
  zeros = traced[0] * 0
  assert np.any(zeros) and np.any(zeros != 0)
  assert not np.all(zeros == zeros[0]) and not np.all(zeros)
  assert np.all(np.isfinite(zeros))


def test_unknown_functions_are_refused(traced):
  with pytest.raises(TypeError):
    np.exp(traced[0])
  with pytest.raises(TypeError):
    np.cumsum(traced[0], axis=0)
