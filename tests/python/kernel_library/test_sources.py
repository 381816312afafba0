# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Which C sources and kernels a model needs."""

import dataclasses
import json
import re

import pytest
from support.firmware import TARGETS, need, run

from tflm_patch.errors import TflmPatchError
from tflm_patch.kernel_library import sources
from tflm_patch.program.records import Kind
from tflm_patch.runtime.paths import include_dirs, kernels_dir

INCLUDE = f'-I{include_dirs()[0]}'


BUILDS = {'host': ('', []), **TARGETS}


@pytest.fixture(scope='module', params=BUILDS)
def symbols(request, tmp_path_factory):
  """What every C source defines and wants of the others, in a build for one architecture."""
  prefix, flags = BUILDS[request.param]
  need(f'{prefix}gcc', f'{prefix}nm')
  binary = tmp_path_factory.mktemp('objects') / 'source.o'
  found = {}
  for path in sorted(sources.source_dir().rglob('*.c')):
    run(f'{prefix}gcc', '-std=c11', '-O1', *flags, INCLUDE, '-c', path, '-o', binary)
    lines = re.findall(r' ([A-Z]) (tflm_patch_\w+)$', run(f'{prefix}nm', binary), re.MULTILINE)
    found[path.relative_to(sources.source_dir()).as_posix()] = (
      {name for kind, name in lines if kind != 'U'},
      {name for kind, name in lines if kind == 'U'},
    )
  return found


def test_table_knows_every_kind():
  entries = re.findall(r'\[TFLM_PATCH_(\w+)\]', sources.table_lines(Kind))
  assert sorted(entries) == sorted(kind.name for kind in Kind)


@pytest.mark.slow
@pytest.mark.parametrize('kind', Kind, ids=lambda kind: kind.name)
def test_sources_of_one_kind_need_no_others(kind, symbols):
  chosen = sources.sources_of_kinds([kind])
  assert set(chosen) <= set(symbols) and len(chosen) < 2 * len(symbols) // 3
  own = set(re.findall(r'&(tflm_patch_\w+)', sources.table_lines([kind])))
  defined = set().union(*(symbols[name][0] for name in chosen))
  wanted = set().union(*(symbols[name][1] for name in chosen if name != sources.TABLE))
  assert own and wanted | own | set(sources._ROOTS) <= defined


def with_header(folder, kinds):
  """The compiler's flag for a header of some kinds."""
  path = folder / 'model_kernels.h'
  path.write_text(sources.header_of_kinds(kinds))
  return f'-DTFLM_PATCH_KERNEL_TABLE_FILE="{path}"'


@pytest.mark.slow
def test_sources_of_one_kind_link(tmp_path):
  need('gcc')
  chosen = sources.sources_of_kinds([Kind.CONV_2D])
  run(
    'gcc',
    '-std=c11',
    '-Wall',
    '-Werror',
    '-fPIC',
    '-shared',
    '-Wl,--no-undefined',
    INCLUDE,
    with_header(tmp_path, [Kind.CONV_2D]),
    *(sources.source_dir() / name for name in chosen),
    '-o',
    tmp_path / 'all.so',
  )


def test_header_makes_the_table(tmp_path):
  need('gcc')
  made = run(
    'gcc',
    '-std=c11',
    '-O1',
    INCLUDE,
    '-S',
    '-o',
    '-',
    with_header(tmp_path, [Kind.CONV_2D, Kind.ADD]),
    sources.source_dir() / 'kernel_table.c',
  )
  assert 'tflm_patch_conv_2d_kernel' in made and 'tflm_patch_pad' not in made


def test_headers_are_followed():
  chosen = sources.sources_of_kinds([Kind.DEPTHWISE_CONV_2D])
  headers = sources.headers_of(chosen)
  assert {'kernel.h', 'kernels.h', 'window.h', 'requantize.h'} <= set(headers)
  assert 'binary.h' not in headers
  assert all((kernels_dir() / 'src' / name).is_file() for name in (*chosen, *headers))


def test_unknown_kind(monkeypatch):
  tree = dataclasses.replace(sources._tree(), defined_by={})
  monkeypatch.setattr(sources, '_tree', lambda: tree)
  with pytest.raises(TflmPatchError, match='CONV_2D'):
    sources.table_lines([Kind.CONV_2D])


@pytest.mark.slow
def test_small_sources_of_cmake_are_those_of_the_exports(tmp_path):
  need('cmake', 'gcc')
  run(
    'cmake',
    '-S',
    kernels_dir(),
    '-B',
    tmp_path,
    '-DTFLM_PATCH_SMALL=ON',
    '-DTFLM_PATCH_BUILD_TESTS=OFF',
    '-DCMAKE_EXPORT_COMPILE_COMMANDS=ON',
  )
  commands = json.loads((tmp_path / 'compile_commands.json').read_text())
  small = {entry['file']: ' -Os ' in entry['command'] for entry in commands}
  for path in sources.source_dir().rglob('*.c'):
    name = path.relative_to(sources.source_dir()).as_posix()
    assert small[str(path)] != sources.is_hot(name), name
  assert set(small.values()) == {False, True}
