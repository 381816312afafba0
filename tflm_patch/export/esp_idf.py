# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A component of ESP-IDF, for its component manager."""

from __future__ import annotations

from tflm_patch.codegen.names import fill
from tflm_patch.export import runner
from tflm_patch.export.cmake import lines
from tflm_patch.export.component import Component, Runtime, license_text
from tflm_patch.export.format import Format, readme

_ENTRY = 'void app_main(void) { (void)run_once(); }'
_TFLM_COMPONENT = 'espressif/esp-tflite-micro'
_TFLM_VERSIONS = '^1.3.1'


def _files(component: Component) -> dict[str, bytes]:
  names = component.names
  runtime = component.runtimes[0]
  with_tflm = runtime == Runtime.TFLM
  build = fill(
    'esp_idf/CMakeLists.txt',
    names,
    sources=lines(component.compiled(runtime), 'src', ' ' * 4),
    requires='\n  PRIV_REQUIRES esp-tflite-micro' if with_tflm else '',
  )
  manifest = fill(
    'esp_idf/idf_component.yml',
    names,
    dependency=f'  {_TFLM_COMPONENT}: "{_TFLM_VERSIONS}"\n' if with_tflm else '',
  )
  example = 'examples/run_once'
  return {
    **component.tree('include', 'src'),
    'CMakeLists.txt': build.encode(),
    'idf_component.yml': manifest.encode(),
    f'{example}/CMakeLists.txt': fill('esp_idf/project_CMakeLists.txt', names).encode(),
    f'{example}/main/CMakeLists.txt': fill('esp_idf/main_CMakeLists.txt', names).encode(),
    f'{example}/main/idf_component.yml': fill('esp_idf/main_component.yml', names).encode(),
    f'{example}/main/app_main.c': runner.example(component.info, names, _ENTRY).encode(),
    'README.md': readme(component, 'esp_idf/steps'),
    'LICENSE': license_text(),
  }


FORMAT = Format('esp-idf', 'a component of ESP-IDF', _files)
