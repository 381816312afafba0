# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFLM adapter as firmware compiles it: with every age of TFLM's names, without warnings."""

import pathlib
import re
import shutil
import subprocess

import pytest

from tflm_patch.runtime import paths, selftest

HERE = pathlib.Path(__file__).resolve().parent
KERNELS = paths.kernels_dir()
INCLUDES = [f'-I{folder}' for folder in paths.include_dirs()]
WARNINGS = ['-Wall', '-Wextra', '-Wdouble-promotion', '-Wshadow', '-Werror']
FIRMWARE_CXX = ['-std=c++14', '-fno-rtti', '-fno-exceptions', '-DTF_LITE_STATIC_MEMORY', *WARNINGS]
SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-g']
COMPILERS = ['g++', 'clang++', 'arm-none-eabi-g++']
TREES = {
  'old': [f'-I{HERE}/fake_tflm/old'],
  'new': [f'-I{HERE}/fake_tflm/new'],
  'new, no global names': [f'-I{HERE}/fake_tflm/new', '-DTFLM_NO_GLOBAL_C_ALIASES'],
  'old, no error strings': [f'-I{HERE}/fake_tflm/old', '-DTF_LITE_STRIP_ERROR_STRINGS'],
  'new, no error strings': [f'-I{HERE}/fake_tflm/new', '-DTF_LITE_STRIP_ERROR_STRINGS'],
  'own declarations': ['-DTFLM_PATCH_NO_TFLM_HEADERS'],
}
# The application's side: what `RegisterTflmPatchOps` returns is the resolver's own type.
APPLICATION = """
#include "tflm_patch/tflm/patch_op_resolver.h"
struct Resolver {
  int AddCustom(const char*, const tflm_patch_registration*) { return 7; }
};
int Register(Resolver& resolver) { return tflm_patch::RegisterTflmPatchOps(resolver); }
static_assert(tflm_patch::kNumberOfTflmPatchOps == 1, "entries of the resolver");
"""


def run(*command):
  result = subprocess.run(
    [str(part) for part in command], capture_output=True, text=True, timeout=300
  )
  assert result.returncode == 0, result.stdout + result.stderr
  return result.stdout


@pytest.fixture(params=COMPILERS)
def compiler(request):
  if shutil.which(request.param) is None:
    pytest.skip(f'{request.param} is not installed')
  return request.param


@pytest.mark.parametrize('flags', TREES.values(), ids=TREES.keys())
def test_adapter_compiles_without_warnings(compiler, flags, tmp_path):
  for level in ('-O0', '-Os', '-O2'):
    run(
      compiler,
      *FIRMWARE_CXX,
      level,
      *INCLUDES,
      *flags,
      '-c',
      KERNELS / 'tflm' / 'stage_op.cc',
      '-o',
      tmp_path / 'stage_op.o',
    )


@pytest.mark.parametrize('flags', TREES.values(), ids=TREES.keys())
def test_application_compiles_without_warnings(compiler, flags, tmp_path):
  qualified = (
    'tflm_patch::TFLMRegistration' if 'NO_TFLM_HEADERS' in flags[0] else ('::TFLMRegistration')
  )
  source = tmp_path / 'application.cc'
  source.write_text(APPLICATION.replace('tflm_patch_registration', qualified))
  run(compiler, *FIRMWARE_CXX, *INCLUDES, *flags, '-c', source, '-o', tmp_path / 'application.o')


@pytest.mark.parametrize('age', ['old', 'new'])
def test_camera_loop_of_the_page_compiles(age, tmp_path):
  """docs/firmware.md, as it stands there, in both ages."""
  if shutil.which('g++') is None:
    pytest.skip('g++ is not installed')
  page = (HERE.parents[1] / 'docs/firmware.md').read_text()
  code = re.findall(r'```cpp\n(.*?)```', page, re.DOTALL)
  (loop,) = [block for block in code if 'WantsMoreRows' in block]
  namespace = 'tflite' if age == 'old' else 'tflite::micro'
  source = tmp_path / 'loop.cc'
  source.write_text(
    '#include "tensorflow/lite/micro/micro_context.h"\n'
    '#include "tensorflow/lite/micro/micro_interpreter.h"\n'
    '#include "tflm_patch/tflm/patch_op_resolver.h"\n'
    f'using {namespace}::MicroInterpreter;\nusing {namespace}::TfLiteTensor;\n'
    f'static_assert(tflm_patch::WantsMoreRows({namespace}::kTfLiteAbort), "the status");\n'
    'static_assert(!tflm_patch::WantsMoreRows(kTfLiteOk), "the status");\n'
    'constexpr int kHeight = 96, kBandRows = 2;\n'
    'void ReadCameraLines(int8_t* to, int rows);\nvoid Use(const TfLiteTensor* output);\n'
    'bool RunFrame(MicroInterpreter& interpreter);\n'
    f'bool RunFrame(MicroInterpreter& interpreter) {{\n{loop}return true;\n}}\n'
  )
  flags = [flag if flag != '-std=c++14' else '-std=c++17' for flag in FIRMWARE_CXX]
  run('g++', *flags, *INCLUDES, *TREES[age], '-c', source, '-o', tmp_path / 'loop.o')


@pytest.mark.parametrize('age', ['old', 'new'])
def test_adapter_needs_no_runtime_support(compiler, age, tmp_path):
  """No heap, no guards of static objects, no RTTI, no code before main."""
  binary = tmp_path / 'stage_op.o'
  run(
    compiler,
    *FIRMWARE_CXX,
    '-Os',
    *INCLUDES,
    *TREES[age],
    '-c',
    KERNELS / 'tflm' / 'stage_op.cc',
    '-o',
    binary,
  )
  nm = 'arm-none-eabi-nm' if compiler.startswith('arm') else 'nm'
  symbols = run(nm, binary)
  undefined = set(re.findall(r' U (\S+)', symbols))
  allowed = re.compile(
    r'tflm_patch_(validate|resume|is_fed_by_bands|(workspace|state|fast)_size|reset_state)$'
    r'|tflm_patch_status_text$|_Z11MicroPrintfPKcz$'
    r'|_ZN6tflite\S*MicroContext|_GLOBAL_OFFSET_TABLE_$|__stack_chk_fail$|__aeabi_'
  )
  assert undefined
  assert {name for name in undefined if not allowed.match(name)} == set()
  assert '_GLOBAL__sub_I' not in symbols
  # What the application hands over, and nothing else.
  data = re.findall(r' [BbDC] (\S*tflm_patch\S*)', symbols)
  assert data
  assert all('g_fast_memory' in name for name in data)


@pytest.mark.parametrize('tflm', ['with', 'without'])
@pytest.mark.parametrize('operator', ['with', 'without'])
def test_other_structure_layout_than_tflm_is_one_clear_line(tflm, operator, tmp_path):
  """TF_LITE_STATIC_MEMORY moves the fields of TFLM's structures: Zephyr does not define it."""
  if shutil.which('g++') is None:
    pytest.skip('g++ is not installed')
  static = {'with': ['-DTF_LITE_STATIC_MEMORY'], 'without': []}
  options = ['-std=c++14', *WARNINGS, *INCLUDES, *TREES['old']]
  run(
    'g++',
    *options,
    *static[operator],
    '-c',
    KERNELS / 'tflm' / 'stage_op.cc',
    '-o',
    tmp_path / 'stage_op.o',
  )
  run('g++', *options, *static[tflm], '-c', HERE / 'layout_test.cc', '-o', tmp_path / 'test.o')
  # The executor is not reached: the node has no tensors.
  run('g++', tmp_path / 'test.o', tmp_path / 'stage_op.o', '-o', tmp_path / 'test')
  line = run(tmp_path / 'test')
  if tflm == operator:
    assert line == 'TflmPatchStage: no inputs or outputs\n'
  else:
    assert line == (
      f'TflmPatchStage: TFLM is compiled {tflm} TF_LITE_STATIC_MEMORY, this file '
      f'{operator} it: define it everywhere or nowhere\n'
    )


def test_operator_on_nodes_that_tflm_would_not_build(tmp_path):
  """Runs stage_op_test.cc, under the sanitizers where the compiler has them."""
  if shutil.which('gcc') is None or shutil.which('g++') is None:
    pytest.skip('gcc and g++ are not installed')
  program, constants = selftest.stage()
  (tmp_path / 'program').write_bytes(program)
  (tmp_path / 'constants').write_bytes(constants)
  probe = tmp_path / 'probe.c'
  probe.write_text('int main(void) { return 0; }\n')
  sanitized = subprocess.run(
    ['gcc', *SANITIZERS, probe, '-o', tmp_path / 'probe'], capture_output=True, check=False
  )
  flags = SANITIZERS if sanitized.returncode == 0 else []
  objects = []
  for source in sorted((KERNELS / 'src').rglob('*.c')):
    objects.append(tmp_path / f'{source.parent.name}_{source.stem}.o')
    run('gcc', '-std=c11', '-O1', *flags, *INCLUDES, '-c', source, '-o', objects[-1])
  binary = tmp_path / 'stage_op_test'
  sources = [HERE / 'stage_op_test.cc', KERNELS / 'tflm' / 'stage_op.cc', *objects]
  options = ['-std=c++14', *WARNINGS, *flags, '-DTFLM_PATCH_NO_TFLM_HEADERS', *INCLUDES]
  run('g++', *options, *sources, '-o', binary)
  assert run(binary, tmp_path / 'program', tmp_path / 'constants') == '0 failures\n'
