# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A PlatformIO library."""

from __future__ import annotations

import json

from tflm_patch.codegen.names import fill
from tflm_patch.export import c_array, runner
from tflm_patch.export.arduino import numeric_version
from tflm_patch.export.component import Component, Runtime, license_text
from tflm_patch.export.format import Format, readme

# The newest TFLM in PlatformIO's form; the ones in its registry lack micro_common.h.
TFLM_LIBRARY = 'https://github.com/trylaarsdam/pio-tflite-lib.git'


def _files(component: Component) -> dict[str, bytes]:
  names = component.names
  example = 'examples/run_once'
  with_tflm = Runtime.TFLM in component.runtimes
  fields = {
    'dependency': f'\n  {TFLM_LIBRARY}' if with_tflm else '',
    # For all libraries of the project: TFLM and the model must agree about it.
    'flags': ' -DTF_LITE_STATIC_MEMORY' if with_tflm else '',
  }
  library = {
    'name': names.lower,
    'version': numeric_version(names.version),
    'description': f'The model {names.model} with its kernels, made by tflm-patch',
    'keywords': ['tflite', 'machine learning'],
    'license': 'Apache-2.0',
    'frameworks': '*',
    'platforms': '*',
    'headers': f'{names.lower}.h',
    'build': {'srcDir': 'src', 'includeDir': 'include'},
    'examples': [{'name': 'run_once', 'base': example, 'files': ['platformio.ini', 'src/main.c']}],
  }
  return {
    **component.tree('include', 'src'),
    'library.json': (json.dumps(library, indent=2) + '\n').encode(),
    f'{example}/platformio.ini': fill('platformio/platformio.ini', names, **fields).encode(),
    f'{example}/src/main.c': runner.example(component.info, names, c_array.MAIN).encode(),
    'README.md': readme(
      component,
      'platformio/steps',
      tflm=fill('platformio/tflm.md', names, library=TFLM_LIBRARY) if with_tflm else '',
    ),
    'LICENSE': license_text(),
  }


FORMAT = Format('platformio', 'a PlatformIO library', _files)
