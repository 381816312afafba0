# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The plugin's library, and the arguments of QEMU that load it."""

from __future__ import annotations

import functools
import pathlib
import subprocess
from collections.abc import Sequence

from tflm_patch.bench.timing.flash import Flash

LIBRARY = pathlib.Path(__file__).resolve().parent / 'libtflm_patch_trace.so'


@functools.cache
def why_not(emulator: str) -> str | None:
  """Why an emulator cannot be watched, None when it can."""
  if not LIBRARY.exists():
    return 'the package was installed without its QEMU plugin, which needs a C compiler'
  arguments = [emulator, '-M', 'none', '-display', 'none', '-plugin', f'file={LIBRARY}']
  done = subprocess.run(
    arguments, capture_output=True, text=True, errors='replace', stdin=subprocess.DEVNULL
  )
  # Without arguments the plugin refuses, once it is there.
  if 'block_trace:' in done.stderr:
    return None
  lines = done.stderr.splitlines() or ['no reason given']
  return f'{emulator} does not load plugins: {lines[0]}'


def arguments(
  out: pathlib.Path, marks: range, marker: range, slow: Sequence[range], flash: Flash
) -> list[str]:
  """Arguments for QEMU.

  Args:
    out: The file to be written.
    marks: Addresses whose stores begin a section, by `marker` alone.
    marker: Addresses of the function that stores there.
    slow: Constants that lie in flash.
    flash: Its caches; words of 0 bytes for memory that is all alike.
  """
  options = [
    f'file={LIBRARY}',
    f'out={str(out).replace(",", ",,")}',
    f'marks={_region(marks)}',
    f'marker={_region(marker)}',
  ]
  if flash.word_bytes:
    options.append(f'word={flash.word_bytes:x}')
    options += [f'code_lines={flash.code_lines:x}', f'data_lines={flash.data_lines:x}']
    options += [f'flash={_region(memory)}' for memory in slow]
  return ['-plugin', ','.join(options)]


def _region(addresses: range) -> str:
  return f'{addresses.start:x}:{len(addresses):x}'
