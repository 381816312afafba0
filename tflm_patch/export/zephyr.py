# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A Zephyr module with a sample."""

from __future__ import annotations

from tflm_patch.codegen.names import fill
from tflm_patch.export import runner
from tflm_patch.export.cmake import lines
from tflm_patch.export.component import Component, Runtime, license_text
from tflm_patch.export.format import Format, readme

_ENTRY = 'int main(void) {\n  (void)run_once();\n  return 0;\n}'


def _files(component: Component) -> dict[str, bytes]:
  names = component.names
  runtime = component.runtimes[0]
  with_tflm = runtime == Runtime.TFLM
  fields = {
    'depends': '\tdepends on TENSORFLOW_LITE_MICRO\n' if with_tflm else '',
    'config': 'CONFIG_CPP=y\nCONFIG_STD_CPP17=y\nCONFIG_TENSORFLOW_LITE_MICRO=y\n'
    if with_tflm
    else '',
  }
  build = fill(
    'zephyr/CMakeLists.txt', names, sources=lines(component.compiled(runtime), 'src', ' ' * 4)
  )
  sample = 'samples/run_once'
  return {
    **component.tree('include', 'src'),
    'zephyr/module.yml': fill('zephyr/module.yml', names).encode(),
    'Kconfig': fill('zephyr/Kconfig', names, depends=fields['depends']).encode(),
    'CMakeLists.txt': build.encode(),
    f'{sample}/CMakeLists.txt': fill('zephyr/sample_CMakeLists.txt', names).encode(),
    f'{sample}/prj.conf': fill('zephyr/prj.conf', names, config=fields['config']).encode(),
    f'{sample}/sample.yaml': fill('zephyr/sample.yaml', names).encode(),
    f'{sample}/src/main.c': runner.example(component.info, names, _ENTRY).encode(),
    'README.md': readme(
      component, 'zephyr/steps', tflm=fill('zephyr/tflm.md', names) if with_tflm else ''
    ),
    'LICENSE': license_text(),
  }


FORMAT = Format('zephyr', 'a Zephyr module', _files)
