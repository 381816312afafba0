# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What firmware compiles, for its architectures, without warnings; and how large it is."""

import re
import subprocess

import pytest
from support import real_models
from support.firmware import (
  C11,
  CORTEX_M4,
  CXX14,
  FAKE_TFLM,
  TARGETS,
  converted,
  image_model,
  need,
  run,
)

from tflm_patch.api import convert_model
from tflm_patch.export import ExportOptions, export
from tflm_patch.program.records import Kind
from tflm_patch.runtime.paths import include_dirs, kernels_dir

KERNELS = kernels_dir()
INCLUDE = f'-I{include_dirs()[0]}'
SOURCES = sorted((KERNELS / 'src').rglob('*.c'))


@pytest.fixture(params=TARGETS)
def target(request):
  prefix, flags = TARGETS[request.param]
  need(f'{prefix}gcc', f'{prefix}g++')
  return prefix, flags


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
  """A component for both runtimes, by rows and with a float output."""
  folder = tmp_path_factory.mktemp('exported')
  for name, data in (
    ('rows', converted(input_rows=2)),
    ('real', converted(image_model(float_output=True))),
  ):
    (folder / f'{name}.tflite').write_bytes(data)
    export(folder / f'{name}.tflite', folder / name, ExportOptions('c-array', name))
  return folder


def compile_objects(prefix, flags, sources, folder, *options):
  folder.mkdir()
  objects = []
  for number, source in enumerate(sources):
    is_c = source.suffix == '.c'
    objects.append(folder / f'{number}.o')
    run(
      f'{prefix}{"gcc" if is_c else "g++"}',
      *flags,
      *(C11 if is_c else CXX14),
      *options,
      '-c',
      source,
      '-o',
      objects[-1],
    )
  return objects


def test_kernels_compile(target, tmp_path):
  compile_objects(*target, SOURCES, tmp_path / 'o', '-O2', INCLUDE)


@pytest.mark.parametrize('age', ['old', 'new', None])
def test_adapter_compiles(target, age, tmp_path):
  names = ['-DTFLM_PATCH_NO_TFLM_HEADERS'] if age is None else [f'-I{FAKE_TFLM}/{age}']
  compile_objects(*target, [KERNELS / 'tflm/stage_op.cc'], tmp_path / 'o', '-Os', INCLUDE, *names)


@pytest.mark.parametrize('age', ['old', 'new'])
@pytest.mark.parametrize('name', ['rows', 'real'])
def test_exported_code_compiles(target, age, name, exported, tmp_path):
  folder = exported / name
  sources = [path for path in (folder / 'src').glob('*') if path.suffix in ('.c', '.cc')]
  sources.append(folder / 'examples/run_once/main.c')
  assert len(sources) == 4  # data, direct, tflm, main
  compile_objects(
    *target, sources, tmp_path / 'o', '-O2', f'-I{folder}/include', f'-I{FAKE_TFLM}/{age}'
  )


def test_exported_code_needs_no_runtime_support(exported, tmp_path):
  """No heap, no guards of static objects, no code before main, no threads' locks."""
  need('arm-none-eabi-g++')
  folder = exported / 'rows'
  (compiled,) = compile_objects(
    'arm-none-eabi-',
    CORTEX_M4,
    [folder / 'src/rows_tflm.cc'],
    tmp_path / 'o',
    '-Os',
    f'-I{folder}/include',
    f'-I{FAKE_TFLM}/new',
  )
  symbols = run('arm-none-eabi-nm', compiled)
  undefined = set(re.findall(r' U (\S+)', symbols))
  assert not {name for name in undefined if 'guard' in name or 'atexit' in name}
  assert not undefined & {'_Znwj', '_Znaj', 'malloc', 'free'}
  assert '_GLOBAL__sub_I' not in symbols


# Bytes of flash on Cortex-M4, inner loops at -O2 and the rest at -Os as exported builds have
# it: of the executor with the kernels of mlperf_vww, and with all kernels.
# Bytes for what mlperf_vww needs, and for each of all kinds of operators.
FAMILIES = {
  'portable': ('-DTFLM_PATCH_PORTABLE', 11 * 1024, 544),
  'dsp': ('-DNDEBUG', 55 * 512, 928),
}


def linked_code_bytes(folder, define, tmp_path):
  """Code and constants that the linker keeps of an exported component, without the model
  and without what the C library brings."""
  archive = tmp_path / 'libmodel.a'
  run(
    'make',
    '-C',
    folder,
    f'BUILD_DIR={tmp_path}',
    'CROSS=arm-none-eabi-',
    f'CPU={" ".join(CORTEX_M4)}',
    f'CFLAGS={define}',
    'library',
  )
  main = tmp_path / 'main.c'
  main.write_text('#include "model.h"\nint main(void) { return model_init() + model_invoke(); }\n')
  run(
    'arm-none-eabi-gcc',
    *CORTEX_M4,
    f'-I{folder}/include',
    '-nostartfiles',
    '--specs=nano.specs',
    '--specs=nosys.specs',
    '-Wl,-e,main',
    '-Wl,--gc-sections',
    main,
    archive,
    '-o',
    tmp_path / 'linked',
    f'-Wl,-Map={tmp_path}/map',
    '-Wl,--no-warn-rwx-segments',
  )
  total = 0
  for size, file in re.findall(
    r'^ \.(?:text|rodata)\S*\s+0x[0-9a-f]+\s+(0x[0-9a-f]+) (\S+)',
    (tmp_path / 'map').read_text().split('Linker script and memory map')[1],
    re.MULTILINE,
  ):
    if 'libmodel.a(' in file and 'data' not in file:
      total += int(size, 16)
  assert total
  return total


@pytest.mark.parametrize('family', FAMILIES)
def test_code_of_the_needed_kernels_is_small(family, tmp_path):
  need('arm-none-eabi-gcc', 'make')
  path = real_models.FOLDER / 'mlperf_vww_96_int8.tflite'
  if not path.exists():
    pytest.skip(real_models.MISSING)
  model = tmp_path / 'vww.tflite'
  model.write_bytes(convert_model(path.read_bytes()).data)
  export(model, tmp_path / 'vww', ExportOptions('make'))
  define, limit, _ = FAMILIES[family]
  size = linked_code_bytes(tmp_path / 'vww', define, tmp_path)
  print(f'{family}, kernels of mlperf_vww: {size} bytes')
  assert limit // 2 < size < limit


@pytest.mark.parametrize('family', FAMILIES)
def test_code_of_all_kernels_is_small(family, tmp_path):
  need('arm-none-eabi-gcc', 'cmake')
  define, _, limit_per_kind = FAMILIES[family]
  limit = limit_per_kind * len(Kind)
  toolchain = [
    '-DCMAKE_SYSTEM_NAME=Generic',
    '-DCMAKE_C_COMPILER=arm-none-eabi-gcc',
    '-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY',
    f'-DCMAKE_C_FLAGS={" ".join([*CORTEX_M4, define])}',
    '-DCMAKE_C_FLAGS_RELEASE=-O2',
    '-DTFLM_PATCH_BUILD_TESTS=OFF',
    '-DTFLM_PATCH_SMALL=ON',
  ]
  run('cmake', '-S', KERNELS, '-B', tmp_path, *toolchain)
  run('cmake', '--build', tmp_path)
  # Of inference: what trains is linked by components that learn alone.
  objects = [each for each in tmp_path.rglob('*.c.obj') if 'backward' not in each.parts]
  sizes = run('arm-none-eabi-size', '-t', *objects)
  total = int(sizes.splitlines()[-1].split()[0])
  print(f'{family}, all kernels: {total} bytes')
  assert limit // 2 < total < limit


def test_feature_macros_are_those_of_the_targets():
  """The flags name the architectures that they are meant for."""
  wanted = {
    'armv6-m': '__ARM_ARCH_6M__',
    'armv7e-m': '__ARM_ARCH_7EM__',
    'armv8.1-m.main': '__ARM_FEATURE_MVE',
    'rv32imc': '__riscv_compressed',
  }
  for name, (prefix, flags) in TARGETS.items():
    need(f'{prefix}gcc')
    macros = subprocess.run(
      [f'{prefix}gcc', *flags, '-dM', '-E', '-x', 'c', '/dev/null'],
      capture_output=True,
      text=True,
      check=True,
    ).stdout
    assert f'#define {wanted[name]} ' in macros
