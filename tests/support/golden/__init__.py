# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Golden cases of the C tests: headers with inputs, and the outputs that TFLM computes.

They are made when tests are built; `python -m support.golden FOLDER`, as CMake does it, writes
them anywhere. What they hold depends on nothing but the sources and the packages' versions.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.metadata
import io
import os
import pathlib
import shutil

import pytest

_ROOT = pathlib.Path(__file__).resolve().parents[3]
_MODULES = {
  'golden_cases.h': 'support.golden.operators',
  'golden_map_cases.h': 'support.golden.maps',
  'golden_int16_cases.h': 'support.golden.int16',
}
_PACKAGES = ('ai-edge-litert', 'numpy', 'tflite-micro')


def write(folder: pathlib.Path) -> None:
  """Writes the headers into a folder, each at once: several processes may do so."""
  folder.mkdir(parents=True, exist_ok=True)
  for name, module in _MODULES.items():
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
      importlib.import_module(module).main()
    part = folder / f'{name}.{os.getpid()}'
    part.write_text(text.getvalue())
    part.replace(folder / name)


@functools.cache
def headers() -> pathlib.Path:
  """The folder of the headers, made once; skips the test where TFLM is not installed."""
  pytest.importorskip('tflite_micro')
  folder = _ROOT / '.build' / 'golden' / _state()
  if not all((folder / name).exists() for name in _MODULES):
    for old in folder.parent.glob('*'):
      if old != folder:
        shutil.rmtree(old, ignore_errors=True)
    write(folder)
  return folder


def _state() -> str:
  """Names what the headers are made from."""
  digest = hashlib.sha256()
  for package in _PACKAGES:
    digest.update(f'{package} {importlib.metadata.version(package)}\n'.encode())
  for tree in ('tests/support', 'tflm_patch'):
    for path in sorted((_ROOT / tree).rglob('*.py')):
      digest.update(path.read_bytes())
  return digest.hexdigest()[:16]
