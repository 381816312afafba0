# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A CMake project."""

from __future__ import annotations

from tflm_patch.codegen.names import fill
from tflm_patch.export import c_array, runner
from tflm_patch.export.component import Component, Runtime, license_text
from tflm_patch.export.format import Format, readme


def lines(paths: list[str], folder: str, indent: str = '  ') -> str:
  """File names, one a line, as CMake lists have them."""
  return ''.join(f'\n{indent}{folder}/{path}' for path in paths)


def _files(component: Component) -> dict[str, bytes]:
  names = component.names
  chosen = {
    runtime: lines(component.only(runtime), 'src') if runtime in component.runtimes else ''
    for runtime in (Runtime.DIRECT, Runtime.TFLM)
  }
  build = fill(
    'cmake/CMakeLists.txt',
    names,
    sources=lines(component.shared(), 'src'),
    direct=chosen[Runtime.DIRECT],
    tflm=chosen[Runtime.TFLM],
    small=lines(component.small(), 'src', ' ' * 4),
  )
  return {
    **component.tree('include', 'src'),
    'CMakeLists.txt': build.encode(),
    'examples/run_once/main.c': runner.example(component.info, names, c_array.MAIN).encode(),
    'README.md': readme(component, 'cmake/steps'),
    'LICENSE': license_text(),
  }


FORMAT = Format('cmake', 'a library and an example, by CMake', _files, chooses_runtime=True)
