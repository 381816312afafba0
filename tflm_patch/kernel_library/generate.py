# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Writes the C headers that follow from tables in Python.

`python -m tflm_patch.kernel_library.generate`, in a checkout; a test compares them with what is
committed.
"""

from __future__ import annotations

from collections.abc import Callable

from tflm_patch.kernel_library import kernel_table
from tflm_patch.program import c_header, dsp_limits
from tflm_patch.runtime.paths import kernels_dir

# Their text, by the path from micro_kernels/.
HEADERS: dict[str, Callable[[], str]] = {
  'include/tflm_patch/program.h': c_header.c_header,
  'src/kernels.h': kernel_table.c_header,
  'src/dsp/limits.h': dsp_limits.c_header,
}


def main() -> None:
  """Writes those that are not current, and names them."""
  for name, make in HEADERS.items():
    path, text = kernels_dir() / name, make()
    if not path.is_file() or path.read_text(encoding='utf-8') != text:
      path.write_text(text, encoding='utf-8')
      print(f'wrote {path}')


if __name__ == '__main__':
  main()
