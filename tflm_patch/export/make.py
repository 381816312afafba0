# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A Makefile."""

from __future__ import annotations

from tflm_patch.codegen.names import fill
from tflm_patch.export import c_array, runner
from tflm_patch.export.component import Component, Runtime, license_text
from tflm_patch.export.format import Format, readme


def _files(component: Component) -> dict[str, bytes]:
  names = component.names

  def listed(paths: list[str]) -> str:
    return ' '.join(f'\\\n  src/{path}' for path in paths)

  chosen = {
    runtime: listed(component.only(runtime)) if runtime in component.runtimes else ''
    for runtime in (Runtime.DIRECT, Runtime.TFLM)
  }
  build = fill(
    'make/Makefile',
    names,
    sources=listed(component.shared()),
    direct=chosen[Runtime.DIRECT],
    tflm=chosen[Runtime.TFLM],
    small=listed(component.small()),
  )
  return {
    **component.tree('include', 'src'),
    'Makefile': build.encode(),
    'examples/run_once/main.c': runner.example(component.info, names, c_array.MAIN).encode(),
    'README.md': readme(component, 'make/steps'),
    'LICENSE': license_text(),
  }


FORMAT = Format('make', 'a library and an example, by make', _files, chooses_runtime=True)
