# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Single instructions, as objdump prints them."""

import pytest

from tflm_patch.bench.timing.blocks import cycles_of
from tflm_patch.bench.timing.cores import TIMINGS
from tflm_patch.bench.timing.cortex_m4 import cycles
from tflm_patch.bench.timing.disassembly import parse
from tflm_patch.bench.timing.flash import Flash
from tflm_patch.bench.trace import counts
from tflm_patch.errors import TflmPatchError


def instructions(*lines):
  """As if they followed each other from address 0 on, four bytes each."""
  text = '\n'.join(f'   {4 * i:x}:\t0000 0000 \t{line}' for i, line in enumerate(lines))
  return list(parse(text).values())


@pytest.mark.parametrize(
  ('line', 'expected'),
  [
    ('nop', 1),
    ('it\teq', 1),
    ('smlald\tr0, r1, r2, r3', 1),
    ('umull\tr0, r1, r2, r3', 1),
    ('ssat\tr0, #8, r1', 1),
    ('sxtb16\tr0, r1, ror #8', 1),
    ('bic.w\tr0, r0, #1', 1),
    ('bfi\tr0, r1, #0, #8', 1),
    ('beq.n\t40 <main+0x2>', 1),
    ('bls.w\t40', 1),
    ('ldrne\tr0, [r1]', 2),
    ('ldrsb.w\tr0, [r1, #-3]', 2),
    ('ldr.w\tr0, [r1], #4', 2),
    ('ldr.w\tr0, [pc, #12]\t; 40 <main+0x2>', 2),
    ('ldr.w\tpc, [r0, r1, lsl #2]', 2),
    ('ldrd\tr0, r1, [r2], #8', 3),
    ('str.w\tr0, [r1, #4]!', 1),
    ('strb.w\tr0, [r1, r2]', 2),
    ('strd\tr0, r1, [r2]', 3),
    ('ldmia.w\tr0!, {r4, r5, r6, r7}', 5),
    ('stmdb\tsp!, {r4, r5, r6, r7, r8, r9, r10, r11, lr}', 10),
    ('pop\t{r4, pc}', 3),
    ('vpush\t{d8-d10}', 4),
    ('vldr\ts0, [r0]', 2),
    ('vmla.f32\ts0, s1, s2', 3),
    ('vdiv.f32\ts0, s1, s2', 14),
    ('vadd.f32\ts0, s1, s2', 1),
    ('tbb\t[pc, r0]', 3),
    ('sdiv\tr0, r1, r2', 12),
  ],
)
def test_alone(line, expected):
  (instruction,) = instructions(line)
  assert cycles(instruction, None) == expected


@pytest.mark.parametrize(
  ('before', 'line', 'expected'),
  [
    ('ldr\tr0, [r1]', 'ldr\tr2, [r3]', 1),
    ('ldr\tr0, [r1]', 'ldr\tr2, [r0]', 2),
    ('ldr\tr0, [r1]', 'ldrh\tr2, [r3, r0]', 2),
    ('ldr\tr0, [r1]', 'strb\tr0, [r2, r3]', 1),
    ('str\tr0, [r1, #0]', 'ldr\tr2, [r3]', 2),
    ('ldrd\tr0, r4, [r1]', 'ldr\tr2, [r3]', 2),
    ('ldr\tr0, [r1]', 'ldmia\tr2, {r3, r4}', 3),
    ('add\tr0, r1', 'ldr\tr2, [r0]', 3),
    ('add\tr0, r1', 'str\tr0, [r2]', 1),
    ('smull\tr4, r0, r1, r1', 'ldr\tr2, [r3, r0]', 3),
    ('mov\tr0, r1', 'ldmia\tr0!, {r3, r4}', 4),
    ('sub\tsp, #16', 'push\t{r0}', 3),
    ('cmp\tr0, #1', 'ldr\tr2, [r0]', 2),
    ('beq.n\t4', 'ldr\tr2, [r0]', 2),
    ('ldr\tr0, [r1]', 'add\tr2, r0, #1', 1),
  ],
)
def test_behind_another(before, line, expected):
  first, second = instructions(before, line)
  assert cycles(second, first) == expected


def test_what_objdump_prints_besides_instructions_is_passed_over():
  text = 'x.elf:     file format elf32-littlearm\n\n00000400 <main>:\n 400:\tbf00      \tnop\n'
  text += '\t...\n\nDisassembly of section .text.x:\n'
  assert [(each.size, each.mnemonic) for each in parse(text).values()] == [(2, 'nop')]


def test_the_edges_of_a_trace():
  code = parse(' 0:\tbf00      \tnop\n 2:\td1fd      \tbne.n\t0\n 4:\t4770      \tbx\tlr\n')
  trace = counts.parse('block 0 0 4\nblock 1 4 2\nedge 1 0 0 9\nedge 1 0 1 1\nsection 1 5 2 3 4\n')
  timing = TIMINGS['cortex-m4']
  found = cycles_of(trace, 1, code, timing)
  assert found.instructions == 19
  assert (found.least, found.cycles, found.most) == (24 + 9, 24 + 18, 24 + 27)
  flash = Flash(wait_states=6, word_bytes=16)
  assert cycles_of(trace, 1, code, timing, flash).waits == 6 * (2 + 4) + (6 - 4) * 3
  assert cycles_of(trace, 2, code, timing).cycles == 0
  with pytest.raises(TflmPatchError, match='0x4'):
    cycles_of(trace, 1, {0: code[0], 2: code[2]}, timing)
