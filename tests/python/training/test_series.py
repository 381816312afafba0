# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Series of .npz and .ts files."""

import numpy as np
import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.training.data.dataset import Task
from tflm_patch.training.data.series import Windows, read_series

TS = """# a comment
@problemName Moves
@univariate false
@classLabel true run walk
@data
1,2,3:4,5,6:run
2,3:5,?:walk
3,2,1:6,5,4:run
4,4,4:4,4,4:walk
"""


@pytest.fixture
def rng():
  return np.random.default_rng(3)


def test_classes(tmp_path, rng):
  path = tmp_path / 'a.npz'
  np.savez(path, x=rng.normal(5, 2, (50, 12, 3)), y=np.repeat(['a', 'b'], 25))
  found = read_series(path)
  assert found.task is Task.CLASSIFICATION and found.classes == ('a', 'b')
  assert found.input_shape == (12, 1, 3) and found.outputs == 2
  assert np.bincount(found.train.targets).tolist() == [20, 20]
  values = found.to_model(found.train.inputs)
  np.testing.assert_allclose(values.mean(axis=(0, 1, 2)), 0, atol=1e-5)
  np.testing.assert_allclose(values.std(axis=(0, 1, 2)), 1, atol=1e-5)


def test_numbers_and_a_given_split(tmp_path, rng):
  path = tmp_path / 'a.npz'
  arrays = {'x_train': (20, 8), 'y_train': (20,), 'x_test': (5, 8), 'y_test': (5,)}
  np.savez(path, **{name: rng.normal(9, 4, shape) for name, shape in arrays.items()})
  found = read_series(path)
  assert found.task is Task.REGRESSION and (len(found.train), len(found.test)) == (20, 5)
  assert found.input_shape == (8, 1, 1)
  targets = found.targets_to_model(found.test.targets)
  np.testing.assert_allclose(found.from_model(targets), found.test.targets, rtol=1e-5)


def test_forecasts_know_no_step_that_is_held_out(tmp_path):
  path = tmp_path / 'a.npz'
  np.savez(path, series=np.arange(100.0))
  found = read_series(path, windows=Windows(10, 2))
  assert found.input_shape == (10, 1, 1) and found.outputs == 2
  first = found.train
  np.testing.assert_array_equal(first.inputs[3, :, 0, 0], np.arange(3, 13))
  np.testing.assert_array_equal(first.targets[3], [13, 14])
  assert first.targets.max() < found.test.inputs.min()
  with pytest.raises(TflmPatchError, match='too short'):
    read_series(path, windows=Windows(90, 2))


def test_ts_files(tmp_path):
  (tmp_path / 'Moves_TRAIN.ts').write_text(TS)
  (tmp_path / 'Moves_TEST.ts').write_text(TS)
  found = read_series(tmp_path / 'Moves_TRAIN.ts')
  assert found.classes == ('run', 'walk') and found.input_shape == (3, 1, 2)
  np.testing.assert_array_equal(found.train.targets, [0, 1, 0, 1])
  # Shorter series begin with the mean, and gaps become it.
  means = np.nanmean([[1, 2, 3], [np.nan, 2, 3], [3, 2, 1], [4, 4, 4]])
  np.testing.assert_allclose(found.train.inputs[1, :, 0, 0], [means, 2, 3], rtol=1e-6)
  np.testing.assert_array_equal(found.train.inputs[0, :, 0, 1], [4, 5, 6])
  regression = TS.replace('@classLabel true run walk', '@targetLabel true')
  (tmp_path / 'b.ts').write_text(regression.replace('run', '1.5').replace('walk', '2'))
  assert read_series(tmp_path / 'b.ts').task is Task.REGRESSION


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('1,2:run\n', 'has no line @data'),
    ('@classLabel true a\n@data\n', 'holds no series'),
    ('@classLabel true a\n@data\n1,x:a\n', 'line 3: a value is no number'),
    ('@classLabel true a\n@data\n1,2:3:a\n', 'line 3: its channels differ in length'),
    ('@classLabel true a\n@data\n1,2:a\n1:2:a\n', 'different numbers of channels'),
    ('@classLabel true a\n@data\n1,2:a\n3,1:a\n', 'holds one class'),
    ('@targetLabel true\n@data\n1,2:a\n', 'a target that is no number'),
    ('@data\n1,2\n', 'holds no targets'),
  ],
)
def test_ts_files_that_are_wrong(tmp_path, text, message):
  path = tmp_path / 'a.ts'
  path.write_text(text)
  with pytest.raises(TflmPatchError, match=message) as error:
    read_series(path)
  assert str(path) in str(error.value)


def test_npz_files_that_are_wrong(tmp_path):
  path = tmp_path / 'a.npz'
  for arrays, message in (
    ({'x': np.array([object()], dtype=object), 'y': [1]}, 'cannot be read as .npz'),
    ({'x': np.zeros((3, 4)), 'y': [1, 2]}, '3 series have 2 targets'),
    ({'x': np.full((20, 4), np.inf), 'y': [1, 2] * 10}, 'not finite'),
    ({'z': np.zeros(3)}, 'name the series x'),
    ({'x': np.zeros((9, 4, 2))}, 'holds no targets'),
  ):
    np.savez(path, **arrays)
    with pytest.raises(TflmPatchError, match=message):
      read_series(path)
  path.write_bytes(b'PK\x03\x04 cut off')
  with pytest.raises(TflmPatchError, match=r'cannot be read as \.npz'):
    read_series(path)
