# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The formats, one module each."""

from __future__ import annotations

import difflib

from tflm_patch.errors import TflmPatchError
from tflm_patch.export import (
  arduino,
  c_array,
  cmake,
  cmsis_pack,
  esp_idf,
  make,
  pico_sdk,
  platformio,
  zephyr,
)
from tflm_patch.export.format import Format

FORMATS: dict[str, Format] = {
  entry.name: entry
  for entry in (
    c_array.FORMAT,
    esp_idf.FORMAT,
    arduino.FORMAT,
    zephyr.FORMAT,
    platformio.FORMAT,
    cmsis_pack.FORMAT,
    pico_sdk.FORMAT,
    cmake.FORMAT,
    make.FORMAT,
  )
}


def find(name: str) -> Format:
  """A format by its name.

  Raises:
    TflmPatchError: there is none.
  """
  if name in FORMATS:
    return FORMATS[name]
  near = difflib.get_close_matches(name, FORMATS, n=1)
  hint = f'did you mean "{near[0]}"?' if near else f'known are {", ".join(FORMATS)}'
  raise TflmPatchError(f'unknown export format "{name}"; {hint}')
