# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Builds the C core with sanitizers and runs its unit tests."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = ROOT / 'micro_kernels'


def test_unit_tests_under_sanitizers(tmp_path):
  for tool in ('cmake', 'ctest'):
    if shutil.which(tool) is None:
      pytest.skip(f'needs {tool}')
  pytest.importorskip('tflite_micro')  # computes the golden cases
  options = [
    '-DTFLM_PATCH_SANITIZE=ON',
    '-DTFLM_PATCH_WERROR=ON',
    '-DCMAKE_C_FLAGS=-O1',
    f'-DTFLM_PATCH_PYTHON={sys.executable}',
  ]
  for command in (
    ['cmake', '-S', str(KERNELS), '-B', str(tmp_path), *options],
    ['cmake', '--build', str(tmp_path), '--parallel', '2'],
    ['ctest', '--test-dir', str(tmp_path), '--output-on-failure'],
  ):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
  # ctest succeeds with no tests at all.
  assert re.search(r'100% tests passed, 0 tests failed out of \d\d', done.stdout)
