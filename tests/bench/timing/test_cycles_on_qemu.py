# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Hand-written assembly runs in QEMU; its cycles follow from the manual's tables by hand."""

import pathlib

import pytest
from support import emulated

from tflm_patch.bench import cpus
from tflm_patch.bench.foreign import cycles_of_image
from tflm_patch.bench.timing import TIMINGS, Flash, cycles_of
from tflm_patch.bench.timing.disassembly import disassemble
from tflm_patch.bench.trace import counts, plugin
from tflm_patch.errors import TflmPatchError

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = (HERE / 'blocks.c', emulated.BOARDS / 'marks.c', emulated.BOARDS / 'cortex_m.c')
REFILL = TIMINGS['cortex-m4'].refill[1]

# Instructions, r0 and r1 pointers, r2 = 1; cycles without refills; refills; instructions.
# Every block is entered by a call, a refill, and ends by a return of one cycle, whose refill
# is the caller's.
BLOCKS = {
  'nothing': ('bx lr', 1, 1, 1),
  'arithmetic': ('add r3, r2, #1; smlad r3, r2, r2, r3; smmulr r3, r3, r2; bx lr', 4, 1, 4),
  'load': ('ldr r3, [r0]; bx lr', 3, 1, 2),
  # "LDR R0,[R1]; LDR R1,[R2] - normally three cycles total"
  'two loads': ('ldr r3, [r0]; ldr r12, [r1]; bx lr', 4, 1, 3),
  # "LDR R0,[R1,R2]; STR R0,[R3,#20] - normally three cycles total"
  'load and store': ('ldr r3, [r0, r2, lsl #2]; str r3, [r1, #20]; bx lr', 4, 1, 3),
  # "LDR R0,[R1,R2]; STR R1,[R3,R2] - normally three cycles total"
  'load, store by register': ('ldr r3, [r0, r2, lsl #2]; str r3, [r1, r2, lsl #2]; bx lr', 4, 1, 3),
  # "LDR R0,[R1,R5]; LDR R1,[R2]; LDR R2,[R3,#4] - normally four cycles total"
  'three loads': ('ldr r3, [r0, r2, lsl #2]; ldr r12, [r1]; ldr r2, [r0, #4]; bx lr', 5, 1, 4),
  'a loaded address': ('str r1, [r0]; ldr r3, [r0]; ldr r12, [r3]; bx lr', 6, 1, 4),
  'a made address': ('add r3, r0, #4; ldr r12, [r3]; bx lr', 5, 1, 3),
  'stores': ('str r2, [r0]; str r2, [r0, #4]; bx lr', 3, 1, 3),
  'store by register': ('str r2, [r0, r2, lsl #2]; bx lr', 3, 1, 2),
  # "So, this operation requires three cycles when not stalled."
  'load of two words': ('ldrd r2, r3, [r0]; bx lr', 4, 1, 2),
  'load of four words': ('ldm r0, {r0-r3}; bx lr', 6, 1, 2),
  # "an eight element store takes nine cycles when not stalled"
  'store of eight words': ('stm r0, {r0-r3, r8-r11}; bx lr', 10, 1, 2),
  'stack': ('push {r4, r5, lr}; pop {r4, r5, pc}', 8, 1, 2),
  'divide': ('udiv r3, r0, r2; bx lr', 13, 1, 2),
  'loop': ('movs r3, #10; 1: subs r3, #1; bne 1b; bx lr', 1 + 10 * 2 + 1, 1 + 9, 22),
  'branch not taken': ('cbz r2, 1f; 1: bx lr', 2, 1, 2),
  'branch taken': ('cbnz r2, 1f; nop; nop; 1: bx lr', 2, 2, 2),
  'call': ('push {r4, lr}; bl 1f; pop {r4, pc}; 1: bx lr', 3 + 1 + 1 + 3, 3, 4),
  'word at a half': ('ldr r3, [r0, #2]; bx lr', 4, 1, 2),
  'word at an odd byte': ('ldr r3, [r0, #1]; bx lr', 5, 1, 2),
  'half at an odd byte': ('ldrh r3, [r0, #1]; bx lr', 4, 1, 2),
  # QEMU ends a block before it.
  'across pages': (
    'b 1f; .balign 1024; .space 1014; 1: nop; nop; nop; nop; smlad r3, r2, r2, r3; bx lr',
    7,
    2,
    7,
  ),
  'byte anywhere': ('ldrb r3, [r0, #1]; bx lr', 3, 1, 2),
}


@pytest.fixture(scope='module')
def m4():
  cpu = emulated.core('cortex-m4')
  missing = plugin.why_not(cpu.emulator)
  if missing:
    pytest.skip(missing)
  return cpu


def run_blocks(cpu: cpus.Cpu, folder: pathlib.Path, blocks, flash=None):
  """The trace of blocks, section 1 first, and their disassembly."""
  lines = [f'BLOCK({number}, "{code}")' for number, code in enumerate(blocks, 1)]
  (folder / 'blocks.inc').write_text('\n'.join(lines) + '\n')
  listed = folder / 'blocks.inc'
  objects = emulated.compile_all(
    cpu,
    SOURCES,
    folder / 'objects',
    '-O1',
    '-ffunction-sections',
    '-fdata-sections',
    f'-I{emulated.BOARDS}',
    f'-DBLOCKS="{listed}"',
    '-Wno-unused-parameter',
  )
  elf = emulated.link(cpu, objects, folder / 'blocks.elf', f'-Wl,-Map={folder}/map')
  symbols = {}
  for line in emulated.run('arm-none-eabi-nm', '-S', elf).splitlines():
    words = line.split()
    if len(words) == 4:
      symbols[words[3]] = range(int(words[0], 16), int(words[0], 16) + int(words[1], 16))
  out = folder / 'trace.txt'
  arguments = plugin.arguments(
    out,
    symbols['board_marks'],
    symbols['board_mark'],
    (range(1 << 20),),
    flash or Flash(0, word_bytes=0),
  )
  emulated.emulate(cpu, elf, *arguments)
  harness = [symbols[name] for name in ('main', 'board_mark')]
  return counts.parse(out.read_text()), disassemble('arm-none-eabi-objdump', elf), harness


def test_the_manuals_tables(tmp_path, m4):
  trace, code, harness = run_blocks(m4, tmp_path, [code for code, *_ in BLOCKS.values()])
  found, expected = {}, {}
  for section, (name, (_, cycles, refills, instructions)) in enumerate(BLOCKS.items(), 1):
    each = cycles_of(trace, section, code, TIMINGS['cortex-m4'], without=harness)
    found[name] = each.instructions, each.least, each.cycles, each.most
    expected[name] = instructions, *(cycles + refills * refill for refill in (1, 2, 3))
  assert found == expected


def test_flash_that_waits(tmp_path, m4):
  many = '; '.join(['add r3, r2, #256'] * 63)  # 252 bytes: 16 words of flash with the return
  blocks = [
    f'{many}; bx lr',
    f'movs r0, #3; 1: {many}; subs r0, #1; bne 1b; bx lr',
    'adr r0, 1f; movs r1, #7; 2: ldr r3, [r0]; ldr r3, [r0, #16]; subs r1, #1; bne 2b; bx lr; '
    '.balign 16; 1: .word 0, 0, 0, 0, 0, 0, 0, 0',
  ]
  flash = Flash(wait_states=7)
  trace, code, harness = run_blocks(m4, tmp_path, blocks, flash)
  once, again, data = (trace.counts_of(section) for section in (1, 2, 3))
  # One word after the other; the harness' own few words are fetched, too.
  assert once.next_misses in range(15, 19) and 1 <= once.code_misses <= 4
  # Three rounds, but fetched once: the loop fits the cache.
  assert again.next_misses in range(15, 19) and 1 <= again.code_misses <= 4
  assert data.data_misses in range(2, 4)
  timing = TIMINGS['cortex-m4']
  with_waits = cycles_of(trace, 1, code, timing, flash, harness)
  plain = cycles_of(trace, 1, code, timing, None, harness)
  misses = once.code_misses + once.data_misses
  assert with_waits.waits == 7 * misses + (7 - 4) * once.next_misses
  assert with_waits.cycles == plain.cycles + with_waits.waits


def test_a_cache_that_is_too_small(tmp_path, m4):
  many = '; '.join(['add r3, r2, #256'] * 63)
  block = f'movs r0, #3; 1: {many}; subs r0, #1; bne 1b; bx lr'
  flash = Flash(wait_states=7, code_bytes=128)
  trace, _, _ = run_blocks(m4, tmp_path, [block], flash)
  assert trace.counts_of(1).next_misses >= 3 * 15


def test_firmware_of_others(tmp_path, m4):
  blocks = ['bx lr', 'push {r4, lr}; ldr r4, [r0]; udiv r4, r4, r2; pop {r4, pc}']
  run_blocks(m4, tmp_path, blocks)
  found = cycles_of_image(m4, tmp_path / 'blocks.elf')
  # The call and what follows it belong to the section, too.
  assert 4 <= found.instructions <= 12
  assert 3 + 3 + 12 + 3 <= found.cycles <= 40
  slow = cycles_of_image(m4, tmp_path / 'blocks.elf', Flash(5))
  assert slow.cycles - slow.waits == found.cycles and slow.waits > 0


def test_firmware_without_marks(tmp_path, m4):
  run_blocks(m4, tmp_path, ['bx lr'])
  with pytest.raises(TflmPatchError, match=r'nothing ran behind board_mark\(2\)'):
    cycles_of_image(m4, tmp_path / 'blocks.elf')
  stripped = tmp_path / 'stripped.elf'
  emulated.run('arm-none-eabi-strip', tmp_path / 'blocks.elf', '-o', stripped)
  with pytest.raises(TflmPatchError, match='has no board_mark'):
    cycles_of_image(m4, stripped)
  with pytest.raises(TflmPatchError, match='nm failed'):
    cycles_of_image(m4, tmp_path / 'none.elf')
  with pytest.raises(TflmPatchError, match='not published'):
    cycles_of_image(cpus.find('m55'), tmp_path / 'blocks.elf')
