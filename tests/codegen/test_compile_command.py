# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch compile as a user meets it; what it writes compiles everywhere."""

import json
import pathlib
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import compiled as harness
from support import every_kernel
from support.compare import assert_same_bytes
from support.effort import examples
from support.model_builder import ModelBuilder

from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.cli import main
from tflm_patch.codegen.compiler import CompileOptions, compile_model, identifier
from tflm_patch.codegen.constant_arrays import ConstantArrays
from tflm_patch.codegen.operators import REGISTRY
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.graph.writer import serialize_model
from tflm_patch.program import encode as program_bytes
from tflm_patch.program import records as program
from tflm_patch.runtime import paths
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.sample.sample import sample_model_path

COMPILERS = {
  'gcc': ('-O2',),
  'clang': ('-O2', '-Wno-unused-command-line-argument'),
  'arm-none-eabi-gcc': ('-O2', '-mcpu=cortex-m4', '-mthumb'),
  'riscv64-unknown-elf-gcc': ('-O2', '-march=rv32imc', '-mabi=ilp32', '--specs=picolibc.specs'),
}


@pytest.fixture
def model(tmp_path):
  return pathlib.Path(shutil.copy(sample_model_path(), tmp_path / 'digits.tflite'))


def run(*arguments):
  return main.main(['compile', *map(str, arguments)])


def wants(compiler):
  if shutil.which(compiler) is None:
    pytest.skip(f'{compiler} is not installed')


# ---- the command ----


def test_summaries(model, capsys):
  assert run(model) == 0
  text = capsys.readouterr().out
  assert 'digits_invoke' in text and 'digits.c' in text and 'tflm_patch_conv_rows_s8' in text
  assert {path.name for path in model.parent.iterdir()} == {'digits.tflite', 'digits.c', 'digits.h'}
  target = model.with_name('other.c')
  assert run(model, '-o', target, '--name', 'net', '--input-rows', 2, '--json') == 0
  found = json.loads(capsys.readouterr().out)
  assert found['name'] == 'net' and found['bands'] == 32 and found['output'] == str(target)
  assert found['schema_version'] == 1 and found['constants_bytes'] > found['workspace_bytes'] > 0
  assert found['code_bytes_estimate'] > 0 and 'tflm_patch_conv_rows_s8' in found['kernels']
  header = target.with_suffix('.h').read_text()
  for line in (
    f'#define NET_WORKSPACE_BYTES {found["workspace_bytes"]} ',
    '#define NET_BANDS 32 ',
    'int net_feed(const void* band);',
    'void net_reset(void);',
  ):
    assert line in header
  assert 'net_invoke' not in header


def test_header_says_what_the_model_says(model):
  assert run(model) == 0
  header = model.with_suffix('.h').read_text()
  graph = parse_model(model.read_bytes()).main
  for what, indices in (('INPUT', graph.inputs), ('OUTPUT', graph.outputs)):
    tensor = graph.tensors[indices[0]]
    for line in (
      f'_{what}_0_BYTES {tensor.bytes}',
      f'_{what}_0_RANK {len(tensor.shape)}',
      f'_{what}_0_SHAPE {{{", ".join(map(str, tensor.shape))}}}',
    ):
      assert f'#define DIGITS{line}\n' in header
    scale = next(line for line in header.splitlines() if f'_{what}_0_SCALE' in line).split()[-1]
    assert np.float32(scale.rstrip('f')) == np.float32(tensor.quantization.scale)
    point = next(line for line in header.splitlines() if f'_{what}_0_ZERO' in line).split()[-1]
    assert int(point.strip('()')) == tensor.quantization.zero_point


def stock_model():
  b = ModelBuilder(1)
  x = b.conv(b.input((1, 6, 6, 2)), 4, 3)
  b.output(b.conv(b.leaky_relu(x, -0.5), 4, 3))
  return b.build()


def damaged(data, at, value):
  """A converted model with another byte in its program, whose checksum is right again."""
  graph = parse_model(data)
  operator = graph.main.operators[0]
  tensor = graph.main.tensors[operator.inputs[-2]]
  body = bytearray(tensor.data.tobytes())
  body[at] ^= value
  tensor.data = np.frombuffer(program_bytes.finish(body), np.uint8)
  return serialize_model(graph)


def one_line(capsys):
  text = capsys.readouterr().err
  assert text.startswith('tflm-patch: error: ') and text.count('\n') == 1
  return text


@pytest.mark.parametrize(
  ('arguments', 'code', 'message'),
  [
    (['-o', 'model.cc'], 1, 'end it with .c'),
    (['-o', 'absent/model.c'], 1, 'cannot be written'),
    (['--name', '3d'], 1, 'cannot begin the names'),
    (['--name', 'tflm_patch_x'], 1, 'cannot begin the names'),
    (['--name', ''], 1, 'cannot begin the names'),
    (['--section', '"; x'], 1, 'no name of a section'),
    (['--section', ''], 1, 'no name of a section'),
    (['--input-rows', '3'], 1, 'does not divide'),
    (['--arena', '100'], 1, 'no plan fits'),
    (['--schedule', 'none'], 2, 'schedule'),
    (['more'], 2, 'see tflm-patch compile --help'),
  ],
)
def test_wrong_options(arguments, code, message, model, capsys, monkeypatch):
  monkeypatch.chdir(model.parent)
  assert run('digits.tflite', *arguments) == code
  assert message in one_line(capsys)
  assert [path.name for path in model.parent.iterdir()] == ['digits.tflite']


def test_wrong_files(tmp_path, capsys):
  path = tmp_path / 'a.tflite'
  for content, message in (
    (None, 'no such file'),
    (b'', 'is empty'),
    (b'no model' * 9, 'a.tflite'),
    (stock_model(), 'operators that no stage holds cannot be compiled: LEAKY_RELU;'),
  ):
    if content is not None:
      path.write_bytes(content)
    assert run(path) == 1
    assert message in one_line(capsys)
    assert not path.with_suffix('.c').exists()


def test_damaged_programs_are_refused(model, tmp_path, capsys):
  paths.host_library()
  data = convert_model(model.read_bytes()).data
  path = tmp_path / 'a.tflite'
  names = ('version', 'n_maps', 'n_ops', 'maps', 'ops', 'edges', 'segments', 'steps', 'n_steps')
  for name in names:
    for value in (1, 0x80):
      path.write_bytes(damaged(data, program.HEADER.offset(name) + 1, value))
      assert run(path) == 1
      assert 'stage' in one_line(capsys)
  path.write_bytes(damaged(data, program.HEADER.offset('family'), 1))
  assert run(path) == 1
  one_line(capsys)


def constants_of_int16() -> bytes:
  b = ModelBuilder(4)
  x = b.add(b.input((1, 3, 2, 2), DType.INT16), b.constant_operand((1, 3, 2, 2), None, DType.INT16))
  b.output(b.conv(x, 3, 3))
  return convert_model(b.build(), ConvertOptions(force_stage=True)).data


def test_programs_that_no_converter_writes_are_refused(tmp_path, capsys):
  """The validator accepts them, as firmware does; no arrays of C hold their constants."""
  paths.host_library()
  data = constants_of_int16()
  graph = parse_model(data)
  encoded = graph.main.tensors[graph.main.operators[0].inputs[-2]].data.tobytes()
  header = program.HEADER.unpack(encoded)
  operand = next(
    at
    for at in range(header['maps'], len(encoded), program.MAP.size)
    if program.MAP.unpack(encoded, at)['region'] == program.Region.CONSTANTS
  )
  path = tmp_path / 'a.tflite'
  changes = (
    # Within the array of the biases, or behind the rows one after the other.
    ('offset', program.MAP.unpack(encoded, operand)['offset'] ^ 2, 'overlap'),
    ('row_bytes', 10, 'no array'),
  )
  for name, value, message in changes:
    at = operand + program.MAP.offset(name)
    path.write_bytes(damaged(data, at, encoded[at] ^ value))
    assert run(path) == 1
    text = one_line(capsys)
    assert message in text and text.endswith('convert the original model again\n')
    assert [file.name for file in tmp_path.iterdir()] == ['a.tflite']


def mutant(data: bytes, random: np.random.Generator) -> bytes:
  """A converted model with one or two other fields in its program."""
  graph = parse_model(data)
  tensor = graph.main.tensors[graph.main.operators[0].inputs[-2]]
  body = bytearray(tensor.data.tobytes())
  for _ in range(random.integers(1, 3)):
    size = 1 << int(random.integers(3))
    at, other = (int(random.integers(len(body) // size)) * size for _ in range(2))
    value = int.from_bytes(body[at : at + size], 'little')
    value = (
      value ^ 1 << int(random.integers(8 * size)),
      value + int(random.integers(-4, 5)),
      int(random.integers(24)),
      int.from_bytes(body[other : other + size], 'little'),
    )[random.integers(4)]
    body[at : at + size] = (value % (1 << 8 * size)).to_bytes(size, 'little')
  tensor.data = np.frombuffer(program_bytes.finish(body), np.uint8)
  return serialize_model(graph)


def test_mutants_are_compiled_or_refused():
  """With a reason: no other exception, and some of either kind."""
  paths.host_library()
  data = convert_model(every_kernel.int8_model(), ConvertOptions(force_stage=True)).data
  models = (data, constants_of_int16())
  random = np.random.default_rng(7)
  refused = 0
  count = examples(120)
  for number in range(count):
    try:
      assert compile_model(mutant(models[number % 2], random)).files
    except TflmPatchError as error:
      assert '\n' not in str(error)
      refused += 1
  assert count // 10 < refused < count


def test_a_converted_model_gives_the_same_code(model, tmp_path):
  data = model.read_bytes()
  converted = convert_model(data, ConvertOptions(int8_io=True)).data
  options = CompileOptions(convert=ConvertOptions(int8_io=True))
  assert compile_model(converted).files == compile_model(data, options).files
  path = tmp_path / 'a.tflite'
  path.write_bytes(converted)
  assert run(path, '--int8-io') == 1


def test_gain_is_no_condition():
  """A model that TFLM runs in as little memory is compiled, too."""
  b = ModelBuilder(2)
  b.output(b.logistic(b.input((1, 4, 4, 8))))
  data = b.build()
  assert not convert_model(data).changed
  assert compile_model(data).kernels == ('tflm_patch_lookup_x8',)


def test_every_kind_is_written():
  assert set(program.Kind) == set(REGISTRY)


@given(st.text(max_size=20))
def test_identifiers(text):
  name = identifier(f'{text}.c')
  assert name.isidentifier() and name.isascii() and not name.startswith('_')


def test_arrays_that_overlap_are_refused():
  arrays = ConstantArrays(bytes(64))
  arrays.refer(0, 'int8_t', 32, 'a')
  assert arrays.refer(0, 'int8_t', 16, 'b') == 'a'
  arrays.refer(16, 'int32_t', 4, 'c')
  with pytest.raises(ValueError, match='overlap'):
    arrays.define()
  with pytest.raises(ValueError, match='shorter'):
    arrays.refer(60, 'int32_t', 2, 'd')


# ---- what it writes ----


@pytest.mark.parametrize('compiler', COMPILERS)
@pytest.mark.parametrize('rows', [None, 1])
def test_compiles_without_warnings(compiler, rows, tmp_path):
  wants(compiler)
  options = CompileOptions(section='.noinit', convert=ConvertOptions(input_rows=rows))
  compiled = compile_model(sample_model_path().read_bytes(), options)
  harness.write(compiled, tmp_path)
  for level in ('-O0', '-O2'):
    harness.run(
      compiler,
      *harness.WARNINGS,
      *COMPILERS[compiler],
      level,
      '-pedantic',
      f'-I{paths.include_dirs()[0]}',
      '-c',
      'model.c',
      cwd=tmp_path,
    )


def test_header_in_cpp(tmp_path):
  wants('g++')
  harness.write(compile_model(sample_model_path().read_bytes()), tmp_path)
  (tmp_path / 'a.cc').write_text('#include "model.h"\nvoid f() { model_invoke(); }\n')
  harness.run('g++', '-std=c++14', '-Wall', '-Wextra', '-Werror', '-c', 'a.cc', cwd=tmp_path)


def interpreted(compiled, arrays):
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  return Interpreter(serialize_model(compiled.model)).invoke(arrays)


@pytest.mark.parametrize('compiler', ['gcc', 'clang'])
def test_standalone(compiler, tmp_path):
  """gcc *.c, with no include path and no library."""
  wants(compiler)
  compiled = compile_model(sample_model_path().read_bytes(), CompileOptions(standalone=True))
  harness.write(compiled, tmp_path)
  (arrays,) = sample_inputs(compiled.model, 1, 0)
  harness.write_inputs(compiled, tmp_path, [arrays])
  sources = sorted(path.name for path in tmp_path.glob('*.c'))
  assert 'tflm_patch_executor.c' not in sources and 'tflm_patch_validate.c' not in sources
  harness.run(compiler, '-std=c11', '-Wall', '-Wextra', '-Werror', *sources, cwd=tmp_path)
  harness.run(tmp_path / 'a.out', cwd=tmp_path)
  assert_same_bytes(interpreted(compiled, arrays), harness.read_outputs(compiled, tmp_path)[0])


def test_two_stages(tmp_path):
  wants('gcc')
  b = ModelBuilder(3)
  x, y = b.input((1, 8, 8, 4)), b.input((1, 10, 6, 4))
  b.output(b.conv(b.depthwise(x), 6, 1), b.mean(b.conv(y, 8, 3)))
  compiled = compile_model(b.build())
  assert len(compiled.model.main.operators) == 2
  image = harness.build(compiled, tmp_path)
  inputs = list(sample_inputs(compiled.model, 4, 0))
  harness.write_inputs(compiled, tmp_path, inputs)
  harness.run(image, cwd=tmp_path)
  found = harness.read_outputs(compiled, tmp_path)
  assert len(found) == len(inputs)
  for arrays, made in zip(inputs, found):
    assert_same_bytes(interpreted(compiled, arrays), made)


def test_a_frame_is_given_up(tmp_path):
  """reset() makes the next band the first."""
  wants('gcc')
  options = CompileOptions(convert=ConvertOptions(input_rows=2))
  compiled = compile_model(sample_model_path().read_bytes(), options)
  harness.write(compiled, tmp_path)
  (tmp_path / 'main.c').write_text("""
#include <string.h>
#include "model.h"
static signed char band[MODEL_INPUT_0_BYTES];
static signed char first[MODEL_OUTPUT_0_BYTES];
int main(void) {
  model_init();
  for (int turn = 0; turn < 2; ++turn) {
    for (int i = 0; i < MODEL_BANDS; ++i) {
      memset(band, 20 * i, sizeof(band));
      if (model_feed(band) != (i == MODEL_BANDS - 1)) return 1;
    }
    if (turn == 0) {
      memcpy(first, model_output(0), sizeof(first));
      if (model_feed(band)) return 2;
      model_reset();
    }
  }
  if (model_input(MODEL_INPUTS) || model_output(MODEL_OUTPUTS)) return 3;
  return memcmp(first, model_output(0), sizeof(first)) ? 4 : 0;
}
""")
  harness.run(
    'gcc',
    *harness.WARNINGS,
    *harness.HOST.flags,
    f'-I{paths.include_dirs()[0]}',
    'model.c',
    'main.c',
    harness.kernels(harness.HOST),
    cwd=tmp_path,
  )
  harness.run(tmp_path / 'a.out', cwd=tmp_path)
