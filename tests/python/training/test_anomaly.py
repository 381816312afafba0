# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Anomaly detectors: their data, integer errors, thresholds, and the C header on two machines."""

import numpy as np
import pytest
from support import cortex_m4
from support.compiled import run
from support.firmware import C11, need

from tflm_patch.codegen import c_text
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.builder import per_tensor
from tflm_patch.graph.types import DType, Tensor
from tflm_patch.training import AnomalyOptions, DataOptions, TrainOptions, train
from tflm_patch.training.anomaly import Detector, ReconstructionError, auc
from tflm_patch.training.anomaly_header import header
from tflm_patch.training.data.anomalies import read_anomalies
from tflm_patch.training.data.dataset import Scaling, Task
from tflm_patch.training.int8_inference import to_steps

DENSE = 'in8x1x1 dense12 dense4 dense12 dense8_linear none'


def tensor(shape, scale, zero_point):
  return Tensor('x', shape, DType.INT8, quantization=per_tensor(scale, zero_point))


def waves(path, **more):
  """A sine of two channels whose last fifth has a burst that is labelled."""
  time = np.arange(1000)
  series = np.stack([np.sin(time / 4), 5 + np.cos(time / 4)], axis=1)
  labels = np.zeros(1000, int)
  labels[900:910] = 1
  series[900:910] += np.random.default_rng(5).normal(0, 2, (10, 2))
  np.savez(path, x=series, y=labels, **more)
  return path


def test_windows_of_a_long_series_are_split_by_time(tmp_path):
  found = read_anomalies(waves(tmp_path / 'a.npz'), AnomalyOptions(16, 4))
  assert found.task is Task.ANOMALY and found.input_shape == (16, 1, 2) and found.outputs == 32
  # 600, 200 and 200 steps, no window in two parts; the burst is in 6 windows of the last.
  assert (len(found.train), len(found.anomalies.normal), len(found.test)) == (147, 47, 41)
  assert len(found.anomalies.anomalous) == 6
  np.testing.assert_array_equal(found.train.inputs.reshape(147, -1), found.train.targets)
  standard = found.to_model(found.train.inputs).reshape(147, -1)
  np.testing.assert_allclose(standard, found.targets_to_model(found.train.targets), rtol=1e-6)


@pytest.mark.parametrize('labels', [[0, 3], ['normal', 'bearing'], [False, True]])
def test_series_that_are_examples(tmp_path, labels):
  rng = np.random.default_rng(1)
  path = tmp_path / 'a.npz'
  np.savez(path, x=rng.normal(size=(60, 8)), y=np.repeat(labels, [50, 10]))
  found = read_anomalies(path, AnomalyOptions())
  parts = found.train, found.anomalies.normal, found.test, found.anomalies.anomalous
  assert [len(part) for part in parts] == [30, 10, 10, 10]
  np.savez(path, x_train=rng.normal(size=(20, 8)), x_test=rng.normal(size=(5, 8)))
  found = read_anomalies(path, AnomalyOptions())
  assert len(found.test) == 5 and found.anomalies.anomalous is None


@pytest.mark.parametrize(
  ('arrays', 'options', 'message'),
  [
    ({'x': np.zeros(30)}, AnomalyOptions(16), 'series of 30 steps are too short for windows of 16'),
    ({'x': np.zeros((1, 30, 2))}, AnomalyOptions(), 'cut a long one into windows: --anomaly STEPS'),
    ({'x': np.ones((9, 4)), 'y': np.ones(9)}, AnomalyOptions(), 'too few normal series'),
    ({'x': np.full((9, 4), np.inf)}, AnomalyOptions(2), 'not finite'),
    ({'x': np.ones((9, 4, 1)), 'y': np.ones((9, 3))}, AnomalyOptions(), 'labels are'),
  ],
)
def test_data_that_do_not_do(tmp_path, arrays, options, message):
  path = tmp_path / 'a.npz'
  np.savez(path, **arrays)
  with pytest.raises(TflmPatchError, match=message) as error:
    read_anomalies(path, options)
  assert str(path) in str(error.value)


def test_options_that_mean_nothing():
  for wrong in ({'quantile': 0.0}, {'quantile': 1.5}, {'steps': 4, 'hop': 0}):
    with pytest.raises(TflmPatchError):
      AnomalyOptions(**wrong)


def test_integer_errors_are_those_of_real_numbers():
  rng = np.random.default_rng(2)
  source, target = tensor((1, 40), 0.031, -7), tensor((1, 8, 1, 5), 0.027, 12)
  error = ReconstructionError.of(source, target)
  x, y = rng.integers(-128, 128, (2, 50, 40)).astype(np.int8)
  real = 0.031 * (x.astype(float) + 7) - 0.027 * (y.astype(float) - 12)
  np.testing.assert_allclose(error.sums(x, y) * error.unit, (real**2).mean(axis=1), rtol=1e-3)
  with pytest.raises(TflmPatchError, match='not as large as the input'):
    ReconstructionError.of(source, tensor((1, 8), 0.1, 0))


def test_auc_is_the_part_of_pairs_in_order():
  rng = np.random.default_rng(3)
  normal, anomalous = rng.integers(0, 20, 70), rng.integers(5, 30, 30)
  pairs = np.sign(anomalous[:, None].astype(int) - normal[None])
  assert auc(normal, anomalous) == pytest.approx(np.mean((pairs + 1) / 2))
  assert auc(np.arange(5), np.arange(5, 9)) == 1


STEPS, CHANNELS, WINDOWS = 12, 3, 20
MAIN = """
#include <stdio.h>
#include "anomaly.h"
#include "data.h"
int main(void) {
  int8_t window[ANOMALY_VALUES], rows[2 * ANOMALY_CHANNELS];
  memcpy(window, inputs, sizeof(window));
  for (int i = 0; i < WINDOWS; ++i) {
    uint64_t sum = anomaly_error(window, outputs + i * ANOMALY_VALUES);
    printf("%lu %lu %d\\n", (unsigned long)(sum >> 32), (unsigned long)(sum & 0xFFFFFFFF),
           sum > ANOMALY_THRESHOLD);
    for (int k = 0; k < 2 * ANOMALY_CHANNELS; ++k) {
      rows[k] = anomaly_input(numbers[i * 2 * ANOMALY_CHANNELS + k], k % ANOMALY_CHANNELS);
    }
    anomaly_push(window, rows, 2);
  }
  return 0;
}
"""


def c_array(kind, name, values):
  number = c_text.number if kind == 'float' else str
  texts = [number(each) for each in values.reshape(-1).tolist()]
  return f'static const {kind} {name}[] = {{{", ".join(texts)}}};\n'


@pytest.mark.parametrize('machine', ['host', 'cortex-m4'])
def test_the_header_computes_the_same(tmp_path, machine):
  """Windows that move on by two steps; the numbers of a step are quantized in C."""
  rng = np.random.default_rng(4)
  source, target = tensor((1, STEPS, 1, CHANNELS), 0.03, -5), tensor((1, STEPS * CHANNELS), 0.02, 9)
  scaling = Scaling(np.array([4, -1, 0.5], np.float32), np.array([2, 0.1, 3], np.float32))
  series = (rng.normal(size=(STEPS + 2 * WINDOWS, CHANNELS)) * 2).astype(np.float32)
  series = scaling.undo(series)
  steps = to_steps(scaling.apply(series), source)
  outputs = rng.integers(-128, 128, (WINDOWS, STEPS * CHANNELS)).astype(np.int8)
  error = ReconstructionError.of(source, target)
  windows = np.stack([steps[2 * i : 2 * i + STEPS] for i in range(WINDOWS)])
  sums = error.sums(windows, outputs)
  threshold = int(np.sort(sums)[14])
  detector = Detector(error, threshold, 0.75, 0.0, 1, 0)
  text = header(detector, scaling, (STEPS, 1, CHANNELS), source.quantization, WINDOWS)
  (tmp_path / 'anomaly.h').write_text(text)
  (tmp_path / 'data.h').write_text(
    f'#define WINDOWS {WINDOWS}\n'
    + c_array('int8_t', 'inputs', steps[:STEPS])
    + c_array('int8_t', 'outputs', outputs)
    + c_array('float', 'numbers', series[STEPS:])
  )
  (tmp_path / 'main.c').write_text(MAIN)
  if machine == 'host':
    need('gcc')
    run('gcc', *C11, '-O2', 'main.c', '-lm', '-o', 'main', cwd=tmp_path)
    printed = run('./main', cwd=tmp_path)
  else:
    if missing := cortex_m4.missing():
      pytest.skip(missing)
    flags = *cortex_m4.CORTEX_M4.flags, *C11
    link = *cortex_m4.LINK, *cortex_m4.SEMIHOSTING
    run('arm-none-eabi-gcc', *flags, 'main.c', *link, '-lm', '-o', 'main', cwd=tmp_path)
    printed = cortex_m4.emulate(tmp_path / 'main', tmp_path)
  rows = [list(map(int, line.split())) for line in printed.splitlines()]
  assert [(high << 32) + low for high, low, _ in rows] == sums.tolist()
  assert [alarm for _, _, alarm in rows] == (sums > threshold).tolist()
  assert sum(alarm for _, _, alarm in rows) == 5


def test_an_autoencoder_is_trained_for_series_alone(keras, tmp_path):
  """A spec that ends without a head, and series: nothing more has to be said."""
  rng = np.random.default_rng(6)
  series = np.sin(rng.uniform(0, 6, (150, 1)) + np.arange(8) / 2)
  series[140:] = rng.normal(0, 1, (10, 8))
  np.savez(tmp_path / 'a.npz', x=series, y=np.arange(150) >= 140)
  options = TrainOptions(
    epochs=40, optimizer='adamw', learning_rate=0.02, average=0.9, batch_size=32
  )
  result = train(tmp_path / 'a.npz', DENSE, options, output=tmp_path / 'out')
  found = result.detector
  assert result.dataset.task is Task.ANOMALY and found.anomalous == 10
  assert found.auc > 0.9 and found.threshold > 0
  assert f'UINT64_C({found.threshold})' in (tmp_path / 'out' / 'anomaly.h').read_text()
  assert result.to_json()['anomaly']['auc'] == found.auc
  assert result.verified in (None, True)


def test_what_gives_out_no_input_is_refused(keras, tmp_path):
  np.savez(tmp_path / 'a.npz', x=np.random.default_rng(0).normal(size=(40, 8)))
  reading = DataOptions(anomaly=AnomalyOptions())
  for spec, message in (
    ('in8x1x1 conv3x1_c4 fc2', 'gives out no input'),
    ('in8x1x1 conv3x1_s2x1_c4 none', r'takes \[8, 1, 1\] and gives \[4, 1, 1\]; the data are'),
  ):
    with pytest.raises(TflmPatchError, match=message):
      train(tmp_path / 'a.npz', spec, TrainOptions(epochs=1), reading=reading)
