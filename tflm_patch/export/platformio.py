# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A PlatformIO library."""

from __future__ import annotations

import json

from tflm_patch.codegen.names import fill
from tflm_patch.export import c_array, runner
from tflm_patch.export.arduino import numeric_version
from tflm_patch.export.component import TFLM, Component, license_text
from tflm_patch.export.format import Format, readme


def _files(component: Component) -> dict[str, bytes]:
  names = component.names
  example = 'examples/run_once'
  flags = ['-DTF_LITE_STATIC_MEMORY'] if TFLM in component.runtimes else []
  library = {
      'name': names.lower,
      'version': numeric_version(names.version),
      'description': f'The model {names.model} with its kernels, made by tflm-patch',
      'keywords': ['tflite', 'machine learning'],
      'license': 'Apache-2.0',
      'frameworks': '*',
      'platforms': '*',
      'headers': f'{names.lower}.h',
      'build': {'srcDir': 'src', 'includeDir': 'include', 'flags': flags},
      'examples': [
          {'name': 'run_once', 'base': example, 'files': ['platformio.ini', 'src/main.c']}
      ],
  }
  return {
      **component.tree('include', 'src'),
      'library.json': (json.dumps(library, indent=2) + '\n').encode(),
      f'{example}/platformio.ini': fill('platformio/platformio.ini', names).encode(),
      f'{example}/src/main.c': runner.example(component.info, names, c_array.MAIN).encode(),
      'README.md': readme(component, 'platformio/steps'),
      'LICENSE': license_text(),
  }


FORMAT = Format('platformio', 'a PlatformIO library', _files)
