# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Modules import only what their layer may: the contracts in pyproject.toml."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

pytest.importorskip('importlinter', reason='pip install import-linter, or .[dev]')

ROOT = pathlib.Path(__file__).resolve().parents[2]


def lint(folder, *arguments):
  """The exit status of lint-imports in a folder, and what it printed."""
  command = 'from importlinter.cli import lint_imports_command as c; c()'
  done = subprocess.run(
    [sys.executable, '-c', command, '--no-cache', *arguments],
    cwd=folder,
    env={**os.environ, 'PYTHONPATH': str(folder)},
    capture_output=True,
    text=True,
  )
  return done.returncode, done.stdout + done.stderr


def test_layers_hold():
  status, printed = lint(ROOT)
  assert status == 0, printed


@pytest.mark.parametrize(
  ('module', 'line', 'contract'),
  [
    ('tflm_patch/graph/wrong.py', 'from tflm_patch.cli import main', 'Layers'),
    ('tflm_patch/wrong/__init__.py', '', 'Layers'),
    ('tflm_patch/api.py', 'import converter_plugins', 'never imports its plugins'),
    ('converter_plugins/wrong.py', 'from tflm_patch.program import decode', 'Plugins use'),
  ],
)
def test_a_breach_is_found(module, line, contract, tmp_path):
  for package in ('tflm_patch', 'converter_plugins'):
    for path in (ROOT / package).rglob('*.py'):
      copy = tmp_path / path.relative_to(ROOT)
      copy.parent.mkdir(parents=True, exist_ok=True)
      shutil.copy(path, copy)
  shutil.copy(ROOT / 'pyproject.toml', tmp_path)
  path = tmp_path / module
  path.parent.mkdir(exist_ok=True)
  path.write_text((path.read_text() if path.exists() else '') + line + '\n')
  status, printed = lint(tmp_path)
  assert status == 1
  broken = [text for text in printed.splitlines() if text.endswith('BROKEN')]
  assert len(broken) == 1 and contract in broken[0]
