# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Cycles of a section of a trace."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from tflm_patch.bench.timing.cores import CoreTiming
from tflm_patch.bench.timing.disassembly import Instruction
from tflm_patch.bench.timing.flash import Flash
from tflm_patch.bench.trace.counts import Block, Trace
from tflm_patch.errors import TflmPatchError


@dataclasses.dataclass(frozen=True)
class Cycles:
  """What a section takes.

  Attributes:
    instructions: Executed.
    least, most: Cycles with the fastest and the slowest refill of the pipeline.
    cycles: With the one that is assumed; waits included in all three.
    waits: Of these, for flash.
  """

  instructions: int = 0
  least: int = 0
  cycles: int = 0
  most: int = 0
  waits: int = 0

  def __add__(self, other: Cycles) -> Cycles:
    pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other))
    return Cycles(*(a + b for a, b in pairs))


Code = Mapping[int, Instruction]


def cycles_of(
  trace: Trace,
  section: int,
  code: Code,
  timing: CoreTiming,
  flash: Flash | None = None,
  without: Collection[range] = (),
) -> Cycles:
  """Cycles of a section.

  Args:
    trace: What was executed.
    section: Which part of it.
    code: Instructions by address.
    timing: Of the core.
    flash: Where code and constants lie; None for memory that does not wait.
    without: Addresses of code that does not count.

  Raises:
    TflmPatchError: the trace holds addresses without an instruction.
  """
  bodies: dict[int, tuple[int, int]] = {}
  instructions = cycles = taken = 0
  for origin, target, count in trace.edges.get(section, ()):
    block = trace.blocks[target]
    if any(block.address in addresses for addresses in without):
      continue
    if target not in bodies:
      bodies[target] = _body(block, code, timing)
    before = trace.blocks[origin]
    follows = before.address + before.bytes == block.address
    last = _instructions(before, code)[-1] if follows else None
    first = timing.cycles(_instruction(block.address, code), last)
    instructions += count * (bodies[target][0] + 1)
    cycles += count * (bodies[target][1] + first)
    taken += 0 if follows else count
  counts = trace.counts_of(section)
  waits = 0 if flash is None else flash.waits(counts)
  low, assumed, high = (
    cycles + taken * refill + counts.misaligned + waits for refill in timing.refill
  )
  return Cycles(instructions, low, assumed, high, waits)


def _body(block: Block, code: Code, timing: CoreTiming) -> tuple[int, int]:
  """Instructions and cycles of a block behind its first instruction."""
  found = _instructions(block, code)
  pairs = zip(found[1:], found)
  return len(found) - 1, sum(timing.cycles(each, before) for each, before in pairs)


def _instructions(block: Block, code: Code) -> list[Instruction]:
  found = []
  at = block.address
  while at < block.address + block.bytes:
    found.append(_instruction(at, code))
    at += found[-1].size
  return found


def _instruction(address: int, code: Code) -> Instruction:
  if address not in code:
    raise TflmPatchError(f'no instruction is known at {address:#x}, which was executed')
  return code[address]
