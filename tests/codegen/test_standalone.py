# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Compiled models with their kernels beside them, or the library: they link, and give the same
bytes, on every kernel family."""

import numpy as np
import pytest
from support import effort, emulated, every_kernel
from support.block_models import block_model, force_blocks
from support.stateful_models import STREAMING_ZERO_POINT, streaming

from tflm_patch.api import ConvertOptions
from tflm_patch.bench import cpus
from tflm_patch.codegen import standalone
from tflm_patch.codegen.compiler import CompileOptions, compile_model
from tflm_patch.errors import EnvironmentMissing
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.graph.writer import serialize_model
from tflm_patch.planner.options import PlanOptions
from tflm_patch.runtime.inputs import sample_inputs
from tflm_patch.runtime.paths import kernels_dir
from tflm_patch.runtime.rows import bands_of
from tflm_patch.runtime.tflm import Interpreter
from tflm_patch.runtime.verify import as_frames
from tflm_patch.sample.sample import sample_model_path

# One of each kernel family, and cores that differ in their architecture.
FAMILIES = ('cortex-m4', 'cortex-m55', 'riscv32')
MODELS = (
  'bytes',
  'words',
  'heads',
  'rows',
  'states',
  'recurrent',
  'blocks',
  'constants',
  'wide_constants',
)
ALL_CASES = [(cpu, name) for cpu in cpus.CPUS for name in MODELS]
# Those of a usual run: every model, every core.
SOME_CASES = [
  *(('cortex-m4', name) for name in MODELS[:7]),
  ('cortex-m55', 'bytes'),
  ('cortex-m55', 'rows'),
  ('cortex-m55', 'states'),
  ('cortex-m55', 'heads'),
  ('cortex-m55', 'recurrent'),
  ('riscv32', 'bytes'),
  ('riscv32', 'words'),
  ('riscv32', 'states'),
  ('riscv32', 'recurrent'),
  ('cortex-m7', 'rows'),
  ('cortex-m33', 'constants'),
  ('riscv32', 'wide_constants'),
]
CASES = ALL_CASES if effort.thousands else SOME_CASES
# Declared with the row kernels, called by them only.
NOT_GENERATED = {'tflm_patch_conv_s8', 'tflm_patch_depthwise_conv_s8'}
RUN = """
  {name}_init();
  for (int again = 0; again < 2; ++again) {{
    {reset}
    for (unsigned turn = 0; turn < sizeof({name}_cases) / sizeof({name}_cases[0]); ++turn) {{
      const unsigned char* input = {name}_cases[turn].inputs;
      const unsigned char* output = {name}_cases[turn].outputs;
      {run}
      {compare}
    }}
  }}
"""
MAIN = """
#include <string.h>
#include "board.h"
{includes}
int main(void) {{
  unsigned different = 0;
  {runs}
  board_print(different ? "different\\n" : "equal\\n");
  board_exit(different != 0);
}}
"""


# ---- which sources ----


def symbols(cpu, objects):
  """What each object defines, and what it asks for, of our names."""
  nm = cpu.compiler.removesuffix('gcc') + 'nm'
  found = []
  for target in objects:
    lines = [line.split() for line in emulated.run(nm, target).splitlines()]
    ours = [(kind, name) for *_, kind, name in lines if name.startswith('tflm_patch_')]
    found.append(
      (
        {name for kind, name in ours if kind in 'TRDBW'},
        {name for kind, name in ours if kind == 'U'},
      )
    )
  return found


@pytest.mark.parametrize('family', FAMILIES)
def test_sources_of_every_kernel_link(family, tmp_path):
  """Whatever a source asks for is in the folder, and once, for each kernel alone."""
  cpu = emulated.core(family)
  folders = {name: standalone.sources([name]) for name in every_kernel.declared_kernels()}
  texts = {file: text for files in folders.values() for file, text in files.items()}
  for file, text in texts.items():
    (tmp_path / file).write_text(text)
  sources = sorted(file for file in texts if file.endswith('.c'))
  objects = emulated.compile_all(
    cpu, [tmp_path / file for file in sources], tmp_path / 'objects', '-O0'
  )
  found = dict(zip(sources, symbols(cpu, objects)))
  for name, files in folders.items():
    parts = [found[file] for file in files if file.endswith('.c')]
    defined = [symbol for here, _ in parts for symbol in here]
    assert name in defined
    assert len(defined) == len(set(defined)), name
    assert set().union(*(asked for _, asked in parts)) <= set(defined), name


def test_unknown_functions_are_missing():
  with pytest.raises(EnvironmentMissing, match='reinstall'):
    standalone.sources(['tflm_patch_absent'])


# ---- on emulated cores ----


def can_reset(compiled):
  return f'void {compiled.name}_reset(' in compiled.files[f'{compiled.name}.h']


def cases(compiled, data):
  """Inputs, in bands where the model takes them so, and the outputs of the TFLM interpreter."""
  pytest.importorskip('tflite_micro', reason='the TFLM interpreter is not installed')
  main = compiled.model.main
  original = parse_model(data)
  source = as_frames(compiled.model, original) if compiled.bands > 1 else compiled.model
  interpreter = Interpreter(serialize_model(compiled.model))
  for arrays in sample_inputs(source, 6 if can_reset(compiled) else 2, 0):
    outputs = interpreter.invoke(arrays)
    if compiled.bands > 1:
      arrays = list(bands_of(arrays[0], main.tensors[main.inputs[0]].shape))
    yield tuple(b''.join(array.tobytes() for array in each) for each in (arrays, outputs))


def c_cases(compiled, data):
  """The same as an array of C."""
  made = list(cases(compiled, data))
  text = [', '.join(map(str, np.frombuffer(part, np.uint8))) for case in made for part in case]
  rows = ',\n'.join(f'{{{{{a}}}, {{{b}}}}}' for a, b in zip(text[::2], text[1::2]))
  sizes = [len(part) for part in made[0]]
  return (
    f'static const struct {{ unsigned char inputs[{sizes[0]}], outputs[{sizes[1]}]; }} '
    f'{compiled.name}_cases[] = {{\n{rows}}};\n'
  )


def c_run(compiled):
  main, name = compiled.model.main, compiled.name
  inputs = [main.tensors[i].bytes for i in main.inputs]
  fill = ''.join(
    f'memcpy({name}_input({i}), input, {size}); input += {size};\n' for i, size in enumerate(inputs)
  )
  run = f'{fill}{name}_invoke();'
  if compiled.bands > 1:
    run = f'while (!{name}_feed(input)) {{ input += {inputs[0]}; }}'
  compare = ''.join(
    f'different += memcmp({name}_output({i}), output, {main.tensors[index].bytes}) != 0;\n'
    f'output += {main.tensors[index].bytes};\n'
    for i, index in enumerate(main.outputs)
  )
  reset = f'{name}_reset();' if can_reset(compiled) else ''
  return RUN.format(name=name, run=run, compare=compare, reset=reset)


def compiled_model(name, data, standalone=True, **options):
  convert = ConvertOptions(**options)
  chosen = CompileOptions(name, standalone=standalone, convert=convert)
  return data, compile_model(data, chosen, f'{name}.c')


@pytest.fixture(scope='module')
def models():
  """Models by name, with what they were made from; every row kernel is called."""
  with pytest.MonkeyPatch.context() as patch:
    force_blocks(patch, 0.5)
    plan = PlanOptions(max_overhead=9.0)
    blocks = compiled_model('blocks', block_model(), plan=plan)
  return {
    'blocks': blocks,
    'bytes': compiled_model('bytes', every_kernel.int8_model()),
    'words': compiled_model('words', every_kernel.int16_model()),
    'heads': compiled_model('heads', every_kernel.heads_model()),
    'states': compiled_model('states', streaming(3, STREAMING_ZERO_POINT)),
    'graph': compiled_model('graph', every_kernel.graph_model()),
    'recurrent': compiled_model('recurrent', every_kernel.recurrent_model()),
    'rows': compiled_model('rows', sample_model_path().read_bytes(), input_rows=2),
    'constants': compiled_model('constants', every_kernel.constants_model(DType.INT8)),
    'wide_constants': compiled_model('wide_constants', every_kernel.constants_model(DType.INT16)),
  }


def test_models_call_every_kernel(models):
  called = {kernel for _, compiled in models.values() for kernel in compiled.kernels}
  assert sorted(called) == sorted(every_kernel.declared_kernels() - NOT_GENERATED)


def image_of(cpu, compiled, data, folder, sources=(), *flags):
  """An image of the compiled model's files, other sources, and a main function."""
  for file, text in compiled.files.items():
    (folder / file).write_text(text)
  main = MAIN.format(
    includes=f'#include "{compiled.name}.h"\n{c_cases(compiled, data)}', runs=c_run(compiled)
  )
  (folder / 'main.c').write_text(main)
  objects = emulated.compile_all(
    cpu,
    [*sorted(folder.glob('*.c')), *sources, emulated.BOARDS / cpu.board],
    folder / 'objects',
    '-O1',
    f'-I{emulated.BOARDS}',
    *flags,
  )
  return emulated.link(cpu, objects, folder / 'image.elf', '-Wl,--no-warnings,--gc-sections')


@pytest.mark.parametrize(('cpu_name', 'name'), CASES)
def test_bytes(cpu_name, name, models, tmp_path):
  """An image of the folder and a main function, as `gcc *.c` makes it."""
  cpu = emulated.core(cpu_name)
  data, compiled = models[name]
  image = image_of(cpu, compiled, data, tmp_path)
  assert emulated.emulate(cpu, image) == 'equal\n'


@pytest.mark.slow
@pytest.mark.parametrize('cpu_name', cpus.CPUS)
def test_bytes_beside_the_library(cpu_name, tmp_path):
  """The form without kernels of its own, linked with all of the library's."""
  cpu = emulated.core(cpu_name)
  data, compiled = compiled_model('bytes', every_kernel.int8_model(), standalone=False)
  kernels = kernels_dir()
  image = image_of(
    cpu,
    compiled,
    data,
    tmp_path,
    sorted((kernels / 'src').rglob('*.c')),
    '-ffunction-sections',
    '-fdata-sections',
    f'-I{kernels}/include',
    f'-I{kernels}/src',
  )
  assert emulated.emulate(cpu, image) == 'equal\n'
