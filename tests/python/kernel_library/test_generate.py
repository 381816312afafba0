# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Generated C headers are what is committed, and formatted like what is written by hand."""

import pathlib
import shutil
import subprocess
import sys

import pytest

from tflm_patch.kernel_library import generate
from tflm_patch.runtime.paths import kernels_dir


@pytest.mark.parametrize('name', generate.HEADERS)
def test_committed_headers_are_current(name):
  committed = (kernels_dir() / name).read_text()
  command = 'python -m tflm_patch.kernel_library.generate writes it anew'
  assert generate.HEADERS[name]() == committed, command


def test_writes_what_is_not_current(tmp_path, monkeypatch, capsys):
  for name in generate.HEADERS:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(kernels_dir() / name, tmp_path / name)
  (tmp_path / 'src/kernels.h').write_text('old')
  monkeypatch.setattr(generate, 'kernels_dir', lambda: tmp_path)
  generate.main()
  assert capsys.readouterr().out == f'wrote {tmp_path / "src/kernels.h"}\n'
  assert (tmp_path / 'src/kernels.h').read_text() == generate.HEADERS['src/kernels.h']()


def test_headers_are_formatted():
  formatter = pathlib.Path(sys.executable).with_name('clang-format')
  if not formatter.exists():
    pytest.skip(f'needs {formatter}')
  done = subprocess.run(
    [formatter, '--dry-run', '--Werror', *(kernels_dir() / name for name in generate.HEADERS)],
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
