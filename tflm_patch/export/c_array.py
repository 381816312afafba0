# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Plain files: the sources and nothing that builds them."""

from __future__ import annotations

from tflm_patch.export import runner
from tflm_patch.export.component import Component, license_text
from tflm_patch.export.format import Format, readme

MAIN = 'int main(void) { return run_once() < 0; }'


def _files(component: Component) -> dict[str, bytes]:
  names = component.names
  return {
    **component.tree('include', 'src'),
    'examples/run_once/main.c': runner.example(component.info, names, MAIN).encode(),
    'README.md': readme(component, 'c_array/steps'),
    'LICENSE': license_text(),
  }


FORMAT = Format('c-array', 'C files without a build system', _files, chooses_runtime=True)
