# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""How large an array the firmware needs for TFLM's tensor arena."""

from __future__ import annotations

import contextlib
import dataclasses

from tflm_patch.arena import FIRMWARE_32_INT_ENUMS, FIRMWARE_64, predict
from tflm_patch.codegen.model import ModelInfo
from tflm_patch.codegen.names import Names, fill
from tflm_patch.errors import EnvironmentMissing
from tflm_patch.runtime.arena_measurement import measure_arena
from tflm_patch.runtime.tflm import InterpreterError

# Room for what differs between versions of TFLM and between kernels: against the
# 32-bit figures that TFLM of 2026-08 with CMSIS-NN reports for nine stock models,
# computed tails are at most 120 bytes too small.
MARGIN = 256
# The figures are for all targets: int enums take the most.
_BUILDS = (FIRMWARE_32_INT_ENUMS, FIRMWARE_64)


@dataclasses.dataclass(frozen=True)
class ArenaFigures:
  """Bytes of a model's arena.

  Attributes:
    head: Activations and scratch buffers; the same on every target.
    tail: Persistent bytes with 4-byte pointers, computed.
    tail_64: The same with 8-byte pointers.
    required: The smallest arena with 4-byte pointers, without margin.
    required_64: The same with 8-byte pointers.
    measured: Whether `head` is what TFLM's interpreter reported on this machine;
      otherwise it is computed, too.
    exact: Whether the computation knows every operator's memory.
    fast: That stages use beside the arena; 0 with one memory.
  """

  head: int
  tail: int
  tail_64: int
  required: int
  required_64: int
  measured: bool
  exact: bool
  fast: int = 0

  @property
  def bytes(self) -> int:
    """What a firmware with 4-byte pointers sets aside."""
    return self.required + MARGIN


def figures(info: ModelInfo) -> ArenaFigures:
  """Computes the arena for firmware, and measures its head where TFLM runs."""
  small, large = (predict(info.model, build=build) for build in _BUILDS)
  head, measured = small.head, False
  # There may be no interpreter here, or one without the application's own operators.
  with contextlib.suppress(EnvironmentMissing, InterpreterError):
    head, measured = measure_arena(info.data).head, True
  more = max(0, head - small.head)
  return ArenaFigures(
    head=head,
    tail=small.tail,
    tail_64=large.tail,
    required=small.required + more,
    required_64=large.required + more,
    measured=measured,
    exact=small.exact,
    fast=info.fast_bytes,
  )


def arena_header(found: ArenaFigures, names: Names) -> str:
  """The text of `<name>_arena.h`."""
  source = (
    "reported by TFLM's interpreter on the host"
    if found.measured
    else "computed as TFLM's planner does"
  )
  doubt = (
    ''
    if found.exact
    else ' * The model has operators whose memory is not known: both are lower bounds, measure\n'
    ' * arena_used_bytes() on the target.\n'
  )
  fast = ''
  if found.fast:
    fast = (
      ',\n  /* Of the memory for tflm_patch::SetFastMemory(), aligned likewise. */\n'
      f'  k{names.camel}FastBytes = {found.fast}'
    )
  return fill(
    'arena.h',
    names,
    head=found.head,
    head_source=source,
    tail=found.tail,
    tail_64=found.tail_64,
    required=found.required,
    required_64=found.required_64,
    margin=MARGIN,
    doubt=doubt,
    fast=fast,
  )
