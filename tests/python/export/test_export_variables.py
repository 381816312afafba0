# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Exports of models that remember: MicroResourceVariables, and their bytes in the arena.

TFLM_PATCH_TFLM_ROOT names TFLM's sources (the folder that holds tensorflow/, with what its
Makefile downloads) and TFLM_PATCH_TFLM_LIBRARY its library for this machine: then the exports
are built with the real thing and run; without, with a stand-in that checks what it is given.
"""

import os
import pathlib
import re

import pytest
from support import real_models, stateful_models
from support.firmware import CXX14, FAKE_TFLM, converted, image_model, need, printed_by_example, run

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.arena import FIRMWARE_32_INT_ENUMS, predict, resource_variables
from tflm_patch.codegen.arena_array import MARGIN, figures
from tflm_patch.codegen.model import describe
from tflm_patch.export import FORMATS, ExportOptions, export
from tflm_patch.graph.reader import parse_model
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.verify import compare

pytestmark = pytest.mark.slow

pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
TFLM_ROOT = os.environ.get('TFLM_PATCH_TFLM_ROOT')
TFLM_LIBRARY = os.environ.get('TFLM_PATCH_TFLM_LIBRARY')
NAME = 'net'


def convert_all(data):
  result = convert_model(data, ConvertOptions(force_stage=True))
  assert result.stages
  return result.data


def exported(data, form, folder):
  (folder / 'net.tflite').write_bytes(data)
  export(folder / 'net.tflite', folder / 'out', ExportOptions(form, NAME, 'tflm'))
  return folder / 'out'


def creations(root):
  """The numbers of variables that the generated code asks TFLM for."""
  (source,) = root.rglob(f'{NAME}_tflm.cc')
  return [int(n) for n in re.findall(r'Variables::Create\(allocator, (\d+)\)', source.read_text())]


@pytest.mark.parametrize('form', FORMATS)
def test_every_format_gives_the_interpreter_its_variables(form, tmp_path):
  assert creations(exported(convert_all(stateful_models.streaming(3)), form, tmp_path)) == [3]


def test_models_without_variables_need_none(tmp_path):
  assert creations(exported(converted(image_model()), 'cmake', tmp_path)) == []


@pytest.mark.parametrize('count', [1, 3])
def test_arena_counts_the_variables(count):
  """A list of 8 bytes and 20 a variable, its value, and what its operators keep."""
  data = convert_all(stateful_models.streaming(count))
  model = parse_model(data)
  assert len(resource_variables(model)) == describe(data).variables == count
  whole = predict(model, build=FIRMWARE_32_INT_ENUMS)
  found = figures(describe(data))
  assert found.exact and found.tail == whole.tail
  assert found.bytes == found.required + MARGIN and found.required >= found.head + found.tail
  for graph in model.subgraphs:
    for op in graph.operators:
      if op.opcode == 'VAR_HANDLE':
        # TFLM counts names, so that all of these are one variable.
        op.options.sharedName = b'the_same'
  shared = predict(model, build=FIRMWARE_32_INT_ENUMS)
  # Each variable that falls away: 20 bytes of the list and 32 of its value; all but the
  # value are rounded up to 16 together.
  gone = count - 1
  lists = [(8 + 15) // 16 * 16 + (20 * n + 15) // 16 * 16 for n in (count, 1)]
  assert whole.tail - shared.tail == lists[0] - lists[1] + 32 * gone


@pytest.mark.parametrize('age', ['old', 'new'])
@pytest.mark.parametrize('count', [0, 1, 3])
def test_starts_in_the_stand_in_of_tflm(age, count, tmp_path):
  need('gcc', 'g++', 'make')
  data = convert_all(stateful_models.streaming(count)) if count else converted(image_model())
  root = exported(data, 'make', tmp_path)
  tree = FAKE_TFLM / age
  run('make', '-C', root, f'TFLM_ROOT={tree}', 'library')
  program = tmp_path / 'program'
  flags = [*CXX14, f'-DFAKE_TFLM_VARIABLES={count}', *(['-DFAKE_TFLM_NEW'] if age == 'new' else [])]
  run(
    'gcc',
    '-std=c11',
    f'-I{root}/include',
    '-c',
    root / 'examples/run_once/main.c',
    '-o',
    tmp_path / 'main.o',
  )
  run(
    'g++',
    *flags,
    f'-I{tree}',
    FAKE_TFLM / 'common/fake_runtime.cc',
    tmp_path / 'main.o',
    root / f'build/lib{NAME}.a',
    '-o',
    program,
  )
  elements = parse_model(data).main.tensors[parse_model(data).main.outputs[0]].elements
  assert run(program) == 'output 0:' + ' 0' * elements + '\n'


def real_inputs():
  yield 'streaming', stateful_models.streaming(3)
  yield 'recurrent', stateful_models.recurrent()
  yield 'image', image_model()
  for name in (
    'microwakeword_okay_nabu',
    'microwakeword_vad',
    'tflm_mnist_lstm',
    'tflm_dtln_noise_suppression',
  ):
    path = real_models.FOLDER / f'{name}.tflite'
    if path.exists():
      yield name, path.read_bytes()


@pytest.mark.skipif(
  not (TFLM_ROOT and TFLM_LIBRARY),
  reason='TFLM_PATCH_TFLM_ROOT and TFLM_PATCH_TFLM_LIBRARY are not set',
)
@pytest.mark.parametrize(
  ('name', 'data'), list(real_inputs()), ids=lambda value: value if isinstance(value, str) else ''
)
def test_runs_in_tflm(name, data, tmp_path):
  """The example prints what the interpreter of the wheel gives."""
  need('g++', 'make')
  model = convert_all(data)
  root = exported(model, 'make', tmp_path)
  run(
    'make',
    '-C',
    root,
    f'TFLM_ROOT={pathlib.Path(TFLM_ROOT).resolve()}',
    f'TFLM_LIBRARY={pathlib.Path(TFLM_LIBRARY).resolve()}',
    'OPTIMIZE=-O1',
  )
  assert run(root / f'build/{NAME}_example') == printed_by_example(model)


@pytest.mark.parametrize(
  ('name', 'form'),
  [
    ('microwakeword_okay_nabu', 'esp-idf'),
    ('microwakeword_vad', 'zephyr'),
    ('mlperf_streaming_wakeword', 'arduino'),
    ('tflm_mnist_lstm', 'cmsis-pack'),
    ('tflm_keyword_svdf_8bit', 'platformio'),
    ('tflm_dtln_noise_suppression', 'pico-sdk'),
    ('mlperf_toycar_float_io', 'c-array'),
  ],
)
def test_real_models_that_remember_are_exported(name, form, tmp_path):
  path = real_models.FOLDER / f'{name}.tflite'
  if not path.exists():
    pytest.skip(real_models.MISSING)
  data = convert_all(path.read_bytes())
  inputs = list(sample_inputs(parse_model(path.read_bytes()), 3))
  assert compare(path.read_bytes(), data, inputs).bit_exact
  root = exported(data, form, tmp_path)
  wanted = describe(data).variables
  # Stages keep what the wake words' variables held.
  assert wanted == 0 and creations(root) == []
