# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""docs/extend.md, followed to the letter in a copy of the project, in every build."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPIED = (
  'tflm_patch',
  'converter_plugins',
  'micro_kernels',
  'tests/support',
  'setup.py',
  'pyproject.toml',
  'README.md',
  'LICENSE',
)
BLOCK = re.compile(
  r'<!-- (new|add): ([\w/.]+)(?:: (after|before): (.*?))? -->\n```\w+\n(.*?)```\n', re.DOTALL
)
MODEL = """
import sys
from support.model_builder import ModelBuilder
from tflm_patch.graph.types import DType, Operator, Tensor
b = ModelBuilder(1)
x = b.input((1, 6, 5, 4), DType.FLOAT32)
for i in range(2):
  b.tensors.append(Tensor(f'y{i}', (1, 6, 5, 4), DType.FLOAT32))
  b.operators.append(Operator('NEG', (x,), (len(b.tensors) - 1,)))
  x = len(b.tensors) - 1
b.output(x)
open(sys.argv[1], 'wb').write(b.build())
"""
CONVERT = """
import sys
from support.compare import check_conversion
from tflm_patch.api import ConvertOptions
from tflm_patch.codegen.compiler import compile_model
from tflm_patch.program.decode import decode
result = check_conversion(open(sys.argv[1], 'rb').read(), ConvertOptions(force_stage=True), 3)
(stage,) = result.stages
print(*(op.kind.name for op in decode(stage.encoded.program, b'').ops))
print(result.stock_operators)
for name, text in compile_model(result.data, file_name='net.c').files.items():
  open(f'{sys.argv[2]}/{name}', 'w').write(text)
"""


@pytest.fixture(scope='module')
def project(tmp_path_factory):
  """A copy with the new operator."""
  for tool in ('gcc', 'g++'):
    if shutil.which(tool) is None:
      pytest.skip(f'needs {tool}')
  folder = tmp_path_factory.mktemp('project')
  for name in COPIED:
    source, target = ROOT / name, folder / name
    if source.is_dir():
      shutil.copytree(source, target, ignore=shutil.ignore_patterns('*.so', '__pycache__'))
    else:
      shutil.copy(source, target)
  steps = BLOCK.findall((ROOT / 'docs/extend.md').read_text())
  assert len(steps) == 6
  for what, path, where, line, text in steps:
    if what == 'new':
      assert not (folder / path).exists()
      (folder / path).write_text(text)
      continue
    before = (folder / path).read_text()
    assert before.count(f'{line}\n') == 1, line
    at = before.index(line) + (len(line) + 1 if where == 'after' else 0)
    (folder / path).write_text(before[:at] + text + before[at:])
  written = run(folder, '-m', 'tflm_patch.kernel_library.generate').splitlines()
  headers = ('include/tflm_patch/program.h', 'src/kernels.h')
  assert written == [f'wrote {folder}/micro_kernels/{name}' for name in headers]
  return folder


def run(folder, *arguments):
  """What Python prints in the copy."""
  done = subprocess.run(
    [sys.executable, *map(str, arguments)],
    cwd=folder,
    capture_output=True,
    text=True,
    env={
      **os.environ,
      'PYTHONPATH': f'{folder}{os.pathsep}{folder}/tests',
      'TFLM_PATCH_HOST_CFLAGS': '-O0',
    },
  )
  assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
  return done.stdout


def test_setup_py(project, tmp_path):
  """Built with the host library, converted, compared with TFLM, and written as C."""
  pytest.importorskip('tflite_micro')
  pytest.importorskip('setuptools.command.bdist_wheel', reason='needs setuptools 77')
  run(project, 'setup.py', 'build_ext', '--inplace')
  run(project, '-c', MODEL, tmp_path / 'net.tflite')
  printed = run(project, '-c', CONVERT, tmp_path / 'net.tflite', tmp_path)
  assert printed.splitlines() == ['NEG NEG', '()']
  assert 'tflm_patch_neg_f32(' in (tmp_path / 'net.c').read_text()
  subprocess.run(
    [
      'gcc',
      '-std=c11',
      '-Wall',
      '-Werror',
      f'-I{project}/micro_kernels/include',
      '-c',
      tmp_path / 'net.c',
      '-o',
      tmp_path / 'net.o',
    ],
    check=True,
  )
  assert '\n## NEG\n' in run(project, '-m', 'tflm_patch.report.supported_operators')


def test_what_a_model_needs(project):
  """Exports take the new file for a model that has the operator, and for no other."""
  command = (
    'from tflm_patch.kernel_library.sources import sources_of_kinds; '
    'from tflm_patch.program.records import Kind; '
    'print("neg.c" in sources_of_kinds([Kind.NEG]), "neg.c" in sources_of_kinds([Kind.PAD]))'
  )
  assert run(project, '-c', command) == 'True False\n'


def test_cmake(project, tmp_path):
  if shutil.which('cmake') is None:
    pytest.skip('needs cmake')
  options = ['-DTFLM_PATCH_BUILD_TESTS=OFF', '-DTFLM_PATCH_WERROR=ON', '-DCMAKE_BUILD_TYPE=Debug']
  for command in (
    ['cmake', '-S', project / 'micro_kernels', '-B', tmp_path, *options],
    ['cmake', '--build', tmp_path, '--parallel', '2'],
  ):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
  names = subprocess.check_output(['nm', tmp_path / 'libtflm_patch_kernels.a'], text=True)
  assert re.search(r' [DR] tflm_patch_neg_kernel$', names, re.MULTILINE)


def test_make(project, tmp_path):
  if shutil.which('make') is None:
    pytest.skip('needs make')
  (tmp_path / 'Makefile').write_text(
    f'include {project}/micro_kernels/tflm_patch.mk\n'
    'show:\n\t@echo $(TFLM_PATCH_C_SRCS)\n.DEFAULT_GOAL := show\n'
  )
  listed = subprocess.check_output(['make', '-s', '-C', tmp_path, 'show'], text=True).split()
  assert f'{project}/micro_kernels/src/neg.c' in listed


def test_bazel(project):
  """Bazel itself is not here: its globs are read."""
  kernels = project / 'micro_kernels'
  globs = re.findall(r'"([^"]*\*\*[^"]*\.c)"', (kernels / 'BUILD').read_text())
  assert any(kernels / 'src/neg.c' in kernels.glob(pattern) for pattern in globs)
