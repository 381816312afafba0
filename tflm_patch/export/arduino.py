# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""An Arduino library, in the layout that is compiled recursively (1.5 and newer)."""

from __future__ import annotations

from tflm_patch.codegen.names import fill
from tflm_patch.export import runner
from tflm_patch.export.component import Component, Runtime, license_text
from tflm_patch.export.format import Format, readme

_ENTRY = """void setup() {
  Serial.begin(115200);
  while (!Serial) {
  }
}

void loop() {
  (void)run_once();
  delay(5000);
}"""
_PRINT = {
  'text': 'static void print_text(const char* text) { Serial.print(text); }\n',
  'integer': 'static void print_integer(int value) { Serial.print(value); }\n',
  'real': 'static void print_real(float value) { Serial.print(value, 6); }\n',
}


def _files(component: Component) -> dict[str, bytes]:
  names = component.names
  sketch = runner.example(component.info, names, _ENTRY, [f'<{names.lower}.h>'], _PRINT)
  tflm = fill('arduino/tflm.md', names) if Runtime.TFLM in component.runtimes else ''
  return {
    # Only src/ is on the include path: headers and code share it.
    **component.tree('src', 'src'),
    'library.properties': fill(
      'arduino/library.properties', names, metadata_version=numeric_version(names.version)
    ).encode(),
    'examples/RunOnce/RunOnce.ino': sketch.encode(),
    'README.md': readme(component, 'arduino/steps', tflm=tflm),
    'LICENSE': license_text(),
  }


def numeric_version(version: str) -> str:
  """The three numbers at the front of a version: '1.2.3.dev4' -> '1.2.3'."""
  numbers = []
  for part in version.split('.')[:3]:
    digits = ''.join(c for c in part if c.isdigit())
    numbers.append(str(int(digits)) if digits else '0')
  return '.'.join([*numbers, '0', '0'][:3])


FORMAT = Format('arduino', 'an Arduino library', _files, prefers_direct=True)
