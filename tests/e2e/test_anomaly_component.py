# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The C of the pages beside an exported model: the alarms are those of Python."""

import pathlib
import re

import numpy as np
import pytest
from support.firmware import C11, need, run

from tflm_patch import architecture
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.codegen import c_text
from tflm_patch.export import ExportOptions, export
from tflm_patch.graph.writer import serialize_model
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.training.anomaly import Detector, ReconstructionError
from tflm_patch.training.anomaly_adaptive import AdaptiveThreshold
from tflm_patch.training.anomaly_header import header
from tflm_patch.training.data.dataset import Scaling
from tflm_patch.training.int8_inference import to_steps

DOCS = pathlib.Path(__file__).resolve().parents[2] / 'docs'
STEPS, CHANNELS, HOP, COUNT = 16, 2, 4, 40
FAST = 4  # of the threshold that adapts: 40 windows are few
SPEC = 'in16x1x2 conv5x1_s2x1_c4_relu_valid dense6 dense32_linear none'
MAIN = """
#include <stdio.h>
%s
#include "numbers.h"
int main(void) {
  if (model_init() != MODEL_DONE) return 1;
  for (int i = 0; i < COUNT; ++i) {
    printf("%%d\\n", take_steps(numbers + i * MODEL_INPUT_0_BYTES));
  }
  return 0;
}
"""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize('page', ['anomaly.md', 'adapt.md'])
def test_the_code_of_the_page(tmp_path, page):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  need('gcc')
  graph = architecture.to_graph(architecture.load(SPEC), architecture.RandomScales(3))
  graph = architecture.with_random_weights(graph, seed=3)
  original = serialize_model(graph)
  hop = convert_model(original, ConvertOptions(hop=HOP, force_stage=True), 'autoencoder').data
  (tmp_path / 'hop.tflite').write_bytes(hop)
  source, target = (graph.main.tensors[i] for i in (*graph.main.inputs, *graph.main.outputs))

  scaling = Scaling(np.array([3, -1], np.float32), np.array([2, 0.5], np.float32))
  rng = np.random.default_rng(4)
  series = scaling.undo(rng.normal(0, 1, (COUNT * HOP, CHANNELS)).astype(np.float32))
  steps = to_steps(scaling.apply(series), source)
  interpreter, error = Interpreter(original), ReconstructionError.of(source, target)
  ends = range(STEPS, len(steps) + 1, HOP)
  windows = np.stack([steps[end - STEPS : end].reshape(source.shape[1:]) for end in ends])
  outputs = np.concatenate([interpreter.invoke([each[None]])[0].copy() for each in windows])
  sums = error.sums(windows, outputs)
  threshold = int(np.median(sums))

  export(tmp_path / 'hop.tflite', tmp_path / 'model', ExportOptions('c-array', 'model', 'direct'))
  detector = Detector(error, threshold, 0.5, 0.0, 1, 0)
  text = header(detector, scaling, (STEPS, 1, CHANNELS), source.quantization, 9)
  (tmp_path / 'anomaly.h').write_text(text)
  numbers = ', '.join(map(c_text.number, series.reshape(-1).tolist()))
  declared = f'#define COUNT {COUNT}\nstatic const float numbers[] = {{{numbers}}};\n'
  (tmp_path / 'numbers.h').write_text(declared)
  (code,) = re.findall(r'```c\n(.*?)```', (DOCS / page).read_text(), re.DOTALL)
  (tmp_path / 'main.c').write_text(MAIN % code)
  sources = sorted((tmp_path / 'model/src').rglob('*.c'))
  folders = {path.parent for path in (tmp_path / 'model').rglob('*.h')}
  includes = [f'-I{folder}' for folder in (tmp_path / 'model/include', *sorted(folders), tmp_path)]
  made, faster = tmp_path / 'main', f'-DANOMALY_STEP_SHIFT={FAST}'
  run('gcc', *C11, '-O1', faster, *includes, tmp_path / 'main.c', *sources, '-lm', '-o', made)
  alarms = [int(line) for line in run(tmp_path / 'main').split()]
  waiting = STEPS // HOP - 1
  expected = sums > threshold
  if page == 'adapt.md':
    expected, _ = AdaptiveThreshold(threshold, detector.quantile, FAST).follow(sums)
    assert (expected != (sums > threshold)).any(), 'the threshold has not moved'
  assert alarms == [-1] * waiting + expected.astype(int).tolist()
  assert 0 < sum(alarms[waiting:]) < len(sums)
