# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Compiled models on a Cortex-M4: the same bytes, not slower, smaller than TFLM's interpreter."""

import pytest
from support import compiled as harness
from support import cortex_m4, real_models
from support.compare import assert_same_bytes

from tflm_patch.api import ConvertOptions
from tflm_patch.codegen.compiler import CompileOptions, compile_model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.sample.sample import sample_model_path

MISSING = cortex_m4.missing()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
# TFLM's interpreter with the reference kernels of such a model, -Os, Cortex-M4.
TFLM_BYTES = 52171


def compiled_model(name, **options):
  path = sample_model_path() if name == 'sample' else real_models.FOLDER / f'{name}.tflite'
  if not path.exists():
    pytest.skip(real_models.MISSING)
  data = path.read_bytes()
  return data, compile_model(data, CompileOptions(name='model', **options), 'model.c')


@pytest.mark.parametrize(
  ('name', 'rows'), [('sample', None), ('mlperf_vww_96_int8', None), ('mlperf_vww_96_int8', 2)]
)
def test_bytes(name, rows, tmp_path):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  data, compiled = compiled_model(name, convert=ConvertOptions(input_rows=rows))
  image = cortex_m4.build(compiled, tmp_path)
  arrays = list(sample_inputs(compile_model(data).model, 3, 0))
  harness.write_inputs(compiled, tmp_path, arrays)
  cortex_m4.emulate(image, tmp_path)
  found = harness.read_outputs(compiled, tmp_path)
  converted = Interpreter(serialize_model(compiled.model))
  assert len(found) == len(arrays)
  for each, made in zip(arrays, found):
    assert_same_bytes(converted.invoke(each), made)


@pytest.mark.parametrize('name', ['sample', 'mlperf_vww_96_int8', 'mlperf_resnet8_int8'])
def test_not_slower_than_the_executor(name, tmp_path):
  _, compiled = compiled_model(name)
  direct = cortex_m4.compiled_instructions(compiled, tmp_path)
  # The kernels are the same, and called as often.
  assert 10000 < direct <= 1.03 * cortex_m4.executor_instructions(compiled, tmp_path)


@pytest.mark.parametrize(
  'name', ['sample', 'mlperf_vww_96_int8', 'mlperf_resnet8_int8', 'mlperf_kws_int8', 'mcunet_vww']
)
def test_sizes(name, tmp_path):
  data, compiled = compiled_model(name)
  assert cortex_m4.flash_bytes(compiled, tmp_path) < len(data) + TFLM_BYTES
  own = cortex_m4.object_bytes(compiled, tmp_path) - compiled.constants_bytes
  assert compiled.code_bytes_estimate == pytest.approx(own, rel=0.2)


def test_only_the_needed_kernels_are_linked(tmp_path):
  _, compiled = compiled_model('sample')
  cortex_m4.flash_bytes(compiled, tmp_path)
  symbols = harness.run('arm-none-eabi-nm', tmp_path / 'bare')
  linked = {line.split()[-1] for line in symbols.splitlines()}
  assert set(compiled.kernels) <= linked
  for absent in ('tflm_patch_validate', 'tflm_patch_conv_2d_kernel', 'tflm_patch_prelu_s8'):
    assert absent not in linked


def test_section_of_the_workspace(tmp_path):
  _, compiled = compiled_model('sample', section='.noinit')
  image = cortex_m4.build(compiled, tmp_path)
  sections = harness.run('arm-none-eabi-objdump', '-h', image)
  size = next(line.split()[2] for line in sections.splitlines() if ' .noinit ' in line)
  assert int(size, 16) == compiled.workspace_bytes
