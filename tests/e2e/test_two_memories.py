# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Models of two memories in the TFLM interpreter, as C, exported, and on the command line."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from support import compiled as harness
from support.compare import assert_same_bytes

from tflm_patch import export
from tflm_patch.analysis.fast_memory import fast_memory_of
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.cli.main import main
from tflm_patch.codegen.compiler import CompileOptions, compile_model
from tflm_patch.conversion.fit import FitOptions, fits
from tflm_patch.cost.memories import Memories
from tflm_patch.errors import TflmPatchError
from tflm_patch.export.exporter import ExportOptions
from tflm_patch.planner.options import PlanOptions
from tflm_patch.program.decode import decode
from tflm_patch.runtime.arena_measurement import measure_arena, smallest_fast_memory
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.tflm import Interpreter, InterpreterError
from tflm_patch.sample.sample import sample_model_path

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')

FAST = 6144
OPTIONS = ConvertOptions(plan=PlanOptions(memories=Memories(FAST)))
ORIGINAL = sample_model_path().read_bytes()


@pytest.fixture(scope='module')
def result():
  return convert_model(ORIGINAL, OPTIONS)


def test_tflm_gives_the_same_bytes_and_measures_what_was_predicted(result):
  assert 0 < result.fast_bytes <= FAST
  original, converted = Interpreter(ORIGINAL), Interpreter(result.data, fast_bytes=FAST)
  for inputs in sample_inputs(result.original, 4, 0):
    assert_same_bytes(original.invoke(inputs), converted.invoke(inputs))
  assert smallest_fast_memory(result.data) == result.fast_bytes
  assert measure_arena(result.data).total == result.converted_arena_host.total
  assert smallest_fast_memory(ORIGINAL) == 0


def test_input_in_bands_keeps_its_rows_in_fast_memory():
  options = ConvertOptions(plan=PlanOptions(memories=Memories(FAST)), input_rows=2)
  fed = convert_model(ORIGINAL, options)
  assert fed.fast_bytes > 0
  original, converted = Interpreter(ORIGINAL), Interpreter(fed.data)
  for inputs in sample_inputs(fed.original, 2, 0):
    assert_same_bytes(original.invoke(inputs), converted.invoke(inputs))


def test_interpreters_have_memory_of_their_own(result):
  first, second = Interpreter(result.data), Interpreter(result.data)
  (inputs,) = list(sample_inputs(result.original, 1, 0))[:1]
  wanted = first.invoke(inputs)
  second.invoke([np.zeros_like(each) for each in inputs])
  assert_same_bytes(wanted, first.invoke(inputs))


def test_too_little_is_one_line(result):
  with pytest.raises(
    InterpreterError, match=f'needs {result.fast_bytes} bytes .* gave 32'
  ) as error:
    Interpreter(result.data, fast_bytes=32)
  assert '\n' not in str(error.value)


def test_the_report_adds_up(result):
  found = fast_memory_of(result, OPTIONS.plan.memories)
  assert found.bytes == result.fast_bytes and found.limit == FAST
  assert found.waiting_cycles == pytest.approx(9 * found.slow_accesses, abs=20)
  assert found.buffers and found.buffers[0][1] <= FAST
  assert fast_memory_of(result, None) is None
  assert result.to_json()['fast_bytes'] == result.fast_bytes


def test_compiled_c_has_the_array_in_its_section(result, tmp_path):
  if shutil.which('gcc') is None:
    pytest.skip('gcc is not installed')
  made = compile_model(result.data, CompileOptions(name='model', fast_section='.bss.here'))
  assert made.fast_bytes == result.fast_bytes
  text = made.files['model.c']
  assert f'section(".bss.here"))) static _Alignas(16) int8_t fast[{result.fast_bytes}]' in text
  assert f'#define MODEL_FAST_BYTES {result.fast_bytes}' in made.files['model.h']
  arrays = list(sample_inputs(made.model, 2, 0))
  image = harness.build(made, tmp_path, harness.HOST)
  harness.write_inputs(made, tmp_path, arrays)
  harness.run(image, cwd=tmp_path)
  original = Interpreter(ORIGINAL)
  for inputs, outputs in zip(arrays, harness.read_outputs(made, tmp_path), strict=True):
    assert_same_bytes(original.invoke(inputs), outputs)


def test_c_of_one_memory_has_no_such_array():
  files = compile_model(ORIGINAL, CompileOptions(name='model')).files
  assert 'fast' not in files['model.c'] and 'FAST' not in files['model.h']


def test_export_hands_the_memory_over(result, tmp_path):
  path = tmp_path / 'model_patch.tflite'
  path.write_bytes(result.data)
  export.export(path, tmp_path / 'out', ExportOptions(format='cmake'))
  text = {each.name: each.read_text() for each in (tmp_path / 'out').rglob('model_*.*')}
  assert f'kModelFastBytes = {result.fast_bytes}' in text['model_arena.h']
  calls = text['model_tflm.cc'].count('tflm_patch::SetFastMemory(g_fast_memory')
  assert calls == 2  # before AllocateTensors and before each Invoke
  assert f'fast[{result.fast_bytes}]' in text['model_direct.c']


def test_fit_tells_both_memories():
  found = fits(str(sample_model_path()), 'stm32h743', FitOptions(fast_bytes=FAST))
  assert found.fits and 0 < found.fast <= found.fast_limit == FAST
  assert found.arena_limit == 524288
  assert fits(str(sample_model_path()), 'rp2040', FitOptions(fast_bytes=FAST)).fast_limit is None


@pytest.mark.parametrize(
  ('arguments', 'text'),
  [
    (['--fast', '8'], 'hold nothing'),
    (['--fast', '200KB', '--target', 'stm32h743'], 'stm32h743 has 131,072 bytes'),
    (['--fast', '8KB', '--minimize', 'calls'], 'leave --minimize calls out'),
    (['--fast', '8KB', '--schedule', 'layer'], 'needs --schedule auto'),
    (['--fast', '8KB', '--input-rows', '1', '--balance'], 'leave --balance out'),
    (['--fast', 'much'], 'no size'),
  ],
)
def test_bad_options_are_one_line(arguments, text, tmp_path, capsys):
  output = tmp_path / 'out.tflite'
  try:
    code = main(['convert', str(sample_model_path()), '-o', str(output), *arguments])
  except SystemExit as leaving:
    code = leaving.code
  assert code not in (0, None)
  assert text in capsys.readouterr().err
  assert not output.exists()


def test_commands_show_both_figures(tmp_path, capsys):
  output = tmp_path / 'fast.tflite'
  model = str(sample_model_path())
  assert main(['convert', model, '-o', str(output), '--fast', '6KB', '--json']) == 0
  found = json.loads(capsys.readouterr().out)
  assert 0 < found['fast_bytes'] <= FAST
  assert main(['analyze', model, '--fast', '6KB']) == 0
  assert f'fast memory: {found["fast_bytes"]:,} of {FAST:,} bytes' in capsys.readouterr().out
  assert main(['verify', model, str(output), '--inputs', '1', '--json']) == 0
  verified = json.loads(capsys.readouterr().out)
  assert verified['bit_exact'] and verified['converted']['fast_host'] == found['fast_bytes']


def test_a_damaged_size_is_refused(result):
  (stage,) = result.stages
  program = bytearray(stage.encoded.program)
  assert decode(bytes(program), stage.encoded.constants).fast_bytes == result.fast_bytes
  data = result.data.replace(bytes(program), bytes(program[:28]) + b'\x08\0\0\0' + program[32:])
  assert data != result.data
  with pytest.raises((InterpreterError, TflmPatchError)):
    Interpreter(data)
