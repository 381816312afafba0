# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Every export format: its own metadata's rules, and a build from nothing but its file lists.

The vendors' tools are not here. Where a format is a script (CMake, make), it runs, with
stand-ins for the commands that the vendor's environment defines; where it is a description,
what it names is compiled as it says. The example must print what TFLM's interpreter gives.
"""

import re
import shlex

import pytest
from export_builds import NAME, build_and_run, c_sources, exported
from support.firmware import CXX14, FAKE_TFLM, converted, need, printed_by_example, run
from support.model_builder import ModelBuilder

from tflm_patch.export import FORMATS

pytestmark = pytest.mark.slow

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')


@pytest.mark.parametrize('form', FORMATS)
def test_every_format_is_complete(form, models, tmp_path):
  result = exported(models['whole'][0], form, tmp_path / 'out', 'auto')
  written = {
    path.relative_to(tmp_path / 'out').as_posix()
    for path in (tmp_path / 'out').rglob('*')
    if path.is_file()
  }
  assert written == set(result.files)
  assert {'README.md', 'LICENSE', 'tflm_patch_export.json'} <= written
  # Arduino has no TFLM that would do: there the model runs without.
  with_tflm = form != 'arduino'
  assert any(name.endswith(f'{NAME}_resolver.h') for name in written) == with_tflm
  assert any(name.endswith(f'{NAME}_arena.h') for name in written) == with_tflm
  assert not any(name.endswith('pad.c') for name in written)
  for name in written:
    text = (tmp_path / 'out' / name).read_text()
    assert '@{' not in text and str(tmp_path) not in text, name


@pytest.mark.parametrize('form', FORMATS)
@pytest.mark.parametrize('age', ['old', 'new'])
def test_interpreter_code_of_every_format_compiles(form, age, models, tmp_path):
  """What only builds with TFLM have, against our declarations of its interface."""
  need('g++')
  exported(models['rows'][0], form, tmp_path / 'out', 'tflm')
  root = tmp_path / 'out'
  include = 'src' if form == 'arduino' else 'include'
  for name in (f'{NAME}_tflm.cc', 'kernels/stage_op.cc'):
    run(
      'g++',
      *CXX14,
      f'-I{FAKE_TFLM}/{age}',
      f'-I{root}/{include}',
      '-c',
      root / 'src' / name,
      '-o',
      tmp_path / 'o.o',
    )


@pytest.mark.parametrize('kind', ['whole', 'rows', 'real'])
def test_c_array(kind, models, tmp_path):
  path, expected = models[kind]
  exported(path, 'c-array', tmp_path / 'out', 'auto')
  root = tmp_path / 'out'
  sources = [name for name in c_sources(root) if not name.endswith(('_tflm.cc', 'stage_op.cc'))]
  build_and_run(
    root,
    sources,
    ['include'],
    'examples/run_once/main.c',
    expected,
    tmp_path,
    ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
  )
  data = (root / f'src/{NAME}_data.c').read_text()
  values = [int(value) for value in re.findall(r'(\d+),', data.split('= {')[1])]
  assert bytes(values) == path.read_bytes()
  assert '_Alignas(16) const unsigned char' in data


@pytest.mark.parametrize('kind', ['whole', 'rows', 'real'])
def test_cmake(kind, models, tmp_path):
  need('cmake')
  path, expected = models[kind]
  exported(path, 'cmake', tmp_path / 'out', 'auto')
  run('cmake', '-S', tmp_path / 'out', '-B', tmp_path / 'build')
  run('cmake', '--build', tmp_path / 'build')
  assert run(tmp_path / f'build/{NAME}_example') == expected


def test_cmake_as_a_part_of_a_project_and_for_a_microcontroller(models, tmp_path):
  need('cmake', 'arm-none-eabi-gcc')
  exported(models['whole'][0], 'cmake', tmp_path / 'net', 'auto')
  (tmp_path / 'main.c').write_text(
    f'#include "{NAME}.h"\nint use(void) {{ return {NAME}_init(); }}\n'
  )
  (tmp_path / 'CMakeLists.txt').write_text(
    'cmake_minimum_required(VERSION 3.13)\nproject(app C)\nadd_subdirectory(net)\n'
    f'add_library(app STATIC main.c)\ntarget_link_libraries(app {NAME})\n'
    'target_compile_options(app PRIVATE -mcpu=cortex-m4 -mthumb)\n'
    f'target_compile_options({NAME} PRIVATE -mcpu=cortex-m4 -mthumb -Wall -Wextra -Werror)\n'
  )
  run(
    'cmake',
    '-S',
    tmp_path,
    '-B',
    tmp_path / 'build',
    '-DCMAKE_SYSTEM_NAME=Generic',
    '-DCMAKE_C_COMPILER=arm-none-eabi-gcc',
    '-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY',
  )
  run('cmake', '--build', tmp_path / 'build')
  assert not (tmp_path / f'build/net/{NAME}_example').exists()


@pytest.mark.parametrize('form', ['cmake', 'make'])
@pytest.mark.parametrize('age', ['old', 'new'])
def test_builds_with_a_tflm_tree(form, age, models, tmp_path):
  """The library is built; there is no TFLM here to link the example with."""
  need('cmake', 'make', 'g++')
  exported(models['rows'][0], form, tmp_path / 'out', 'auto')
  tree = FAKE_TFLM / age
  if form == 'cmake':
    run(
      'cmake',
      '-S',
      tmp_path / 'out',
      '-B',
      tmp_path / 'build',
      f'-DTFLM_ROOT={tree}',
      f'-D{NAME.upper()}_BUILD_EXAMPLE=OFF',
    )
    run('cmake', '--build', tmp_path / 'build')
  else:
    run(
      'make', '-C', tmp_path / 'out', f'BUILD_DIR={tmp_path}/build', f'TFLM_ROOT={tree}', 'library'
    )
  symbols = run('nm', '-C', tmp_path / f'build/lib{NAME}.a')
  assert 'tflm_patch::StageRegistration()' in symbols and 'MicroInterpreter' in symbols
  assert re.search(rf' T {NAME}_invoke\n', symbols)


@pytest.mark.parametrize('form', ['cmake', 'make'])
def test_builds_that_need_tflm_say_so(form, models, tmp_path):
  need('cmake', 'make')
  exported(models['whole'][0], form, tmp_path / 'out', 'tflm')
  command = ['make', '-C'] if form == 'make' else ['cmake', '-B', tmp_path / 'build', '-S']
  with pytest.raises(AssertionError, match='set TFLM_ROOT'):
    run(*command, tmp_path / 'out')


@pytest.mark.parametrize('kind', ['whole', 'rows', 'real'])
def test_make(kind, models, tmp_path):
  need('make', 'gcc')
  path, expected = models[kind]
  exported(path, 'make', tmp_path / 'out', 'auto')
  run('make', '-C', tmp_path / 'out')
  assert run(tmp_path / f'out/build/{NAME}_example') == expected


def test_make_for_a_microcontroller(models, tmp_path):
  need('make', 'arm-none-eabi-gcc')
  exported(models['rows'][0], 'make', tmp_path / 'out', 'auto')
  run(
    'make',
    '-C',
    tmp_path / 'out',
    'CROSS=arm-none-eabi-',
    'CPU=-mcpu=cortex-m4 -mthumb',
    'LDFLAGS=--specs=nosys.specs -Wl,--no-warn-rwx-segments -Wl,--gc-sections',
    'CFLAGS=-Wall -Wextra -Werror',
  )
  assert 'ARM' in run('arm-none-eabi-readelf', '-h', tmp_path / f'out/build/{NAME}_example')


def two_inputs():
  b = ModelBuilder(7)
  x, y = b.input((1, 6, 6, 4)), b.input((1, 6, 6, 4))
  z = b.conv(b.add(x, y), 4, 3)
  b.output(b.max_pool(z, 2), b.mean(z))
  return b.build()


def test_several_inputs_and_outputs(tmp_path):
  need('make', 'gcc')
  data = converted(two_inputs())
  (tmp_path / 'model.tflite').write_bytes(data)
  result = exported(tmp_path / 'model.tflite', 'make', tmp_path / 'out', 'auto')
  if 'direct' not in result.runtimes:
    pytest.fail('the model should be one stage')
  run('make', '-C', tmp_path / 'out')
  assert run(tmp_path / f'out/build/{NAME}_example') == printed_by_example(data)


def test_readmes_name_what_is_there(models, tmp_path):
  for form in FORMATS:
    folder = tmp_path / form / NAME
    exported(models['whole'][0], form, folder, 'auto')
    text = (folder / 'README.md').read_text()
    for name in re.findall(r'\x60((?:src|examples|include)/[\w./]+)\x60', text):
      assert (folder / name).exists(), (form, name)
    for line in re.findall(r'^(?:cmake|make|west|cd|idf.py) .*$', text, re.MULTILINE):
      assert shlex.split(line)
