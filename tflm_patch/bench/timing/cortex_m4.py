# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Cycles of a Cortex-M4: Technical Reference Manual r0p1, tables 3-1 and 7-1, section 3.3.2.

Memory does not wait. What follows from an instruction and the one before it:

- Arithmetic, multiplications (SMLAD, SMULL and the like too): 1.
- LDR 2; 1 behind another LDR that does not make a register of its address.
- STR with an immediate offset 1; with a register 2, and 1 behind such an LDR.
- LDRD, STRD 3; LDM, STM, PUSH, POP of N registers 1 + N.
- An address made by the arithmetic just before: 1 more.
- Branches 1, and P to refill the pipeline when they are taken; P is 1 to 3.
- UDIV, SDIV 2 to 12: 12.

Instructions that an IT block skips are counted as if executed, and IT itself takes a cycle.
"""

from __future__ import annotations

import enum
import re

from tflm_patch.bench.timing.disassembly import Instruction

_CONDITION = '(?:eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al)?'
_COMPARES = re.compile(rf'^(?:cmp|cmn|tst|teq|it[te]*|nop|v?msr|bkpt|svc|dmb|dsb|isb){_CONDITION}$')
_LONG = re.compile(r'^[su](?:mull|mlal|maal|mlald|mlsld|mlaldx|mlsldx)')


class Kind(enum.Enum):
  """Groups of instructions with a timing of their own."""

  DATA = 'data processing'
  LOAD = 'load'
  STORE = 'store'
  DOUBLE = 'two words'
  MULTIPLE = 'several words'
  BRANCH = 'branch'
  TABLE_BRANCH = 'branch by table'
  DIVIDE = 'divide'
  FLOAT_LOAD = 'load or store of a floating-point register'
  FLOAT_MULTIPLY_ADD = 'floating-point multiply-accumulate'
  FLOAT_DIVIDE = 'floating-point divide or root'
  STATUS = 'special register'


# The first pattern that a mnemonic matches gives its kind.
_KINDS = tuple(
  (re.compile(f'^(?:{pattern})'), kind)
  for pattern, kind in (
    (rf'(?:b|bl|bx|blx|cbz|cbnz){_CONDITION}$', Kind.BRANCH),
    ('tb[bh]', Kind.TABLE_BRANCH),
    ('ldrd|strd', Kind.DOUBLE),
    ('ldm|stm|push|pop|vldm|vstm|vpush|vpop', Kind.MULTIPLE),
    ('ldr', Kind.LOAD),
    ('str', Kind.STORE),
    ('[su]div', Kind.DIVIDE),
    ('vldr|vstr', Kind.FLOAT_LOAD),
    ('v(?:f?n?m(?:la|ls)|fma|fms|fnma|fnms)', Kind.FLOAT_MULTIPLY_ADD),
    ('vdiv|vsqrt', Kind.FLOAT_DIVIDE),
    ('m(?:rs|sr)', Kind.STATUS),
  )
)
_PLAIN = {
  Kind.DATA: 1,
  Kind.DOUBLE: 3,
  Kind.BRANCH: 1,
  # Two for the load, one for the addition.
  Kind.TABLE_BRANCH: 3,
  Kind.DIVIDE: 12,
  Kind.FLOAT_LOAD: 2,
  Kind.FLOAT_MULTIPLY_ADD: 3,
  Kind.FLOAT_DIVIDE: 14,
  Kind.STATUS: 2,
}
_MEMORY = frozenset((Kind.LOAD, Kind.STORE, Kind.DOUBLE, Kind.MULTIPLE, Kind.FLOAT_LOAD))


def kind_of(instruction: Instruction) -> Kind:
  """Which group an instruction belongs to."""
  for pattern, kind in _KINDS:
    if pattern.match(instruction.mnemonic):
      return kind
  return Kind.DATA


def cycles(instruction: Instruction, before: Instruction | None) -> int:
  """Cycles of an instruction, without refilling the pipeline.

  Args:
    instruction: It.
    before: The one that was executed just before; None behind a taken branch.
  """
  kind = kind_of(instruction)
  stall = int(kind in _MEMORY and _makes_address(before, instruction))
  if kind == Kind.MULTIPLE:
    return 1 + len(_transferred(instruction)) + stall
  if kind == Kind.LOAD:
    return (1 if _is_pipelined(before, instruction) else 2) + stall
  if kind == Kind.STORE:
    by_register = len(instruction.address_registers) > 1
    return (2 if by_register and not _is_pipelined(before, instruction) else 1) + stall
  return _PLAIN[kind] + stall


def _transferred(instruction: Instruction) -> tuple[str, ...]:
  """The registers of an LDM, STM, PUSH or POP."""
  inside = instruction.operands.partition('{')[2]
  return Instruction(0, 0, '', inside).registers


def _is_pipelined(before: Instruction | None, instruction: Instruction) -> bool:
  """Whether the load before lets the access start a cycle sooner."""
  if before is None or kind_of(before) != Kind.LOAD:
    return False
  return before.registers[0] not in instruction.address_registers


def _makes_address(before: Instruction | None, instruction: Instruction) -> bool:
  """Whether arithmetic just before makes a register of an access' address."""
  if before is None or kind_of(before) not in (Kind.DATA, Kind.DIVIDE):
    return False
  if _COMPARES.match(before.mnemonic) or before.mnemonic.startswith('v'):
    return False
  made = before.registers[: 2 if _LONG.match(before.mnemonic) else 1]
  return not _base(instruction).isdisjoint(made)


def _base(instruction: Instruction) -> frozenset[str]:
  if kind_of(instruction) != Kind.MULTIPLE:
    return instruction.address_registers
  name = instruction.mnemonic
  if name.startswith(('push', 'pop', 'vpush', 'vpop')):
    return frozenset(('sp',))
  return frozenset(instruction.registers[:1])
