# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A project of the Raspberry Pi Pico SDK."""

from __future__ import annotations

from tflm_patch.codegen.names import fill
from tflm_patch.export import runner
from tflm_patch.export.cmake import lines
from tflm_patch.export.component import Component, Runtime, license_text
from tflm_patch.export.format import Format, readme

_ENTRY = """int main(void) {
  stdio_init_all();
  for (;;) {
    (void)run_once();
    sleep_ms(5000);
  }
}"""


def _files(component: Component) -> dict[str, bytes]:
  names = component.names
  runtime = component.runtimes[0]
  library = fill(
    'pico_sdk/tflm.cmake' if runtime == Runtime.TFLM else 'pico_sdk/direct.cmake', names
  )
  build = fill(
    'pico_sdk/CMakeLists.txt',
    names,
    sources=lines(component.compiled(runtime), '${CMAKE_CURRENT_LIST_DIR}/src'),
    library=library,
    languages='C CXX ASM',
  )
  main = runner.example(component.info, names, _ENTRY, ['<stdio.h>', '"pico/stdlib.h"'])
  return {
    **component.tree('include', 'src'),
    'CMakeLists.txt': build.encode(),
    'examples/run_once/main.c': main.encode(),
    'README.md': readme(component, 'pico_sdk/steps'),
    'LICENSE': license_text(),
  }


FORMAT = Format('pico-sdk', 'a project of the Raspberry Pi Pico SDK', _files)
