# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What an export format is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tflm_patch.codegen.names import fill
from tflm_patch.export.component import Component, Runtime


@dataclasses.dataclass(frozen=True)
class Format:
  """A build system's or an ecosystem's way of packing a component.

  Attributes:
    name: As typed.
    summary: One line.
    files: Gives all files of the export, by path.
    chooses_runtime: Its builds choose between the interpreter and the stage executor
      by themselves, so that it takes both where both are possible.
    prefers_direct: There is no TFLM for most of its boards: a model that is a single
      stage runs without, unless the user asks for it.
  """

  name: str
  summary: str
  files: Callable[[Component], dict[str, bytes]]
  chooses_runtime: bool = False
  prefers_direct: bool = False


def readme(component: Component, template: str, **fields: object) -> bytes:
  """The README.md of an export: what is the same everywhere, and a format's own steps."""
  names = component.names
  steps = fill(f'{template}.md', names, **fields)
  arena = component.arena
  runs = []
  if Runtime.TFLM in component.runtimes:
    runs.append(
      f"TFLM's interpreter runs it in an arena of {arena.bytes:,} bytes on a 32-bit chip "
      f'({arena.head:,} head, {arena.tail:,} tail, and room; see `{names.lower}_arena.h`).'
    )
  if arena.fast:
    runs.append(
      f'Beside that it takes {arena.fast:,} bytes of fast memory: the array behind '
      f'`{names.upper}_FAST_MEMORY`, whose section `.bss.tflm_patch_fast` the linker script places.'
    )
  if Runtime.DIRECT in component.runtimes:
    runs.append(
      'It is a single stage, which runs without TFLM, too; '
      f'`{names.lower}_direct.c` holds its memory.'
    )
  return fill('README.md', names, runs=' '.join(runs), steps=steps).encode()
