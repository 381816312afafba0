# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Where the package keeps its C sources and its host library."""

from __future__ import annotations

import pathlib

from tflm_patch.errors import EnvironmentMissing

_PACKAGE = pathlib.Path(__file__).resolve().parent.parent


def kernels_dir() -> pathlib.Path:
  """The folder of the C and C++ sources that firmware compiles.

  Works in an installed package and in a checkout.

  Raises:
    EnvironmentMissing: neither holds the sources.
  """
  for folder in (_PACKAGE / 'micro_kernels', _PACKAGE.parent / 'micro_kernels'):
    if (folder / 'include' / 'tflm_patch' / 'program.h').is_file():
      return folder
  raise EnvironmentMissing(
    f'no kernel sources beside {_PACKAGE}: the installation is incomplete; reinstall tflm-patch'
  )


def include_dirs() -> list[pathlib.Path]:
  """Include folders that a program using the kernels needs."""
  return [kernels_dir() / 'include']


def host_library() -> pathlib.Path:
  """The library with the stage operator for the Python TFLM interpreter.

  Raises:
    EnvironmentMissing: it was not built.
  """
  path = _PACKAGE / 'runtime' / 'libtflm_patch_host.so'
  if not path.is_file():
    raise EnvironmentMissing(
      f'the host library {path.name} was not built, converted models cannot be run here: on '
      'Linux x86-64, install gcc and g++ and reinstall tflm-patch'
    )
  return path
