# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Cycles of firmware that is not ours, by the same rule."""

from __future__ import annotations

import pathlib
import re
import subprocess
import tempfile

from tflm_patch.bench.cpus import Cpu
from tflm_patch.bench.timing import TIMINGS, Cycles, Flash, cycles_of
from tflm_patch.bench.timing.disassembly import disassemble
from tflm_patch.bench.trace import plugin
from tflm_patch.bench.trace.counts import parse
from tflm_patch.errors import TflmPatchError

SECTION = 2  # what board_mark is called with before an inference
_ARRAY, _FUNCTION = 'board_marks', 'board_mark'
_ALL = range(1 << 29)  # code memory of a Cortex-M
_TIMEOUT_SECONDS = 1800.0
_SYMBOL = re.compile(r'^([0-9a-f]+) ([0-9a-f]+) \w (\w+)$', re.MULTILINE)


def cycles_of_image(core: Cpu, elf: pathlib.Path, flash: Flash | None = None) -> Cycles:
  """Cycles between board_mark(2) and board_mark(0) of firmware/marks.c.

  Args:
    core: One with timings.
    elf: For the core's emulated machine; it ends by semihosting.
    flash: What code memory is; None for memory that does not wait.

  Raises:
    TflmPatchError: the image has no marks, marks nothing, or does not run.
  """
  missing = plugin.why_not(core.emulator)
  if core.name not in TIMINGS or missing:
    raise TflmPatchError(f'{core.name}: no cycles: {missing or "its timings are not published"}')
  symbols = _symbols(core, elf)
  if not {_ARRAY, _FUNCTION} <= symbols.keys():
    raise TflmPatchError(f'{elf}: has no {_FUNCTION}; link tflm_patch/bench/firmware/marks.c')
  marker = symbols[_FUNCTION]
  with tempfile.TemporaryDirectory(prefix='tflm_patch_bench_') as folder:
    out = pathlib.Path(folder) / 'blocks.txt'
    watching = plugin.arguments(
      out, symbols[_ARRAY], marker, (_ALL,), flash or Flash(0, word_bytes=0)
    )
    _run(core, elf, watching)
    trace = parse(out.read_text())
  if SECTION not in trace.edges:
    raise TflmPatchError(f'{elf}: nothing ran behind {_FUNCTION}({SECTION})')
  code = disassemble(core.compiler.replace('gcc', 'objdump'), elf)
  return cycles_of(trace, SECTION, code, TIMINGS[core.name], flash, [marker])


def _symbols(core: Cpu, elf: pathlib.Path) -> dict[str, range]:
  nm = core.compiler.replace('gcc', 'nm')
  done = subprocess.run([nm, '-S', str(elf)], capture_output=True, text=True)
  if done.returncode:
    reason = (done.stderr.splitlines() or ['no reason given'])[0]
    raise TflmPatchError(f'{nm} failed: {reason}')
  return {
    name: range(int(begin, 16), int(begin, 16) + int(size, 16))
    for begin, size, name in _SYMBOL.findall(done.stdout)
  }


def _run(core: Cpu, elf: pathlib.Path, watching: list[str]) -> None:
  command = [core.emulator, *core.machine, *watching, '-nographic', '-kernel', str(elf)]
  command += ['-semihosting-config', 'enable=on,target=native']
  try:
    done = subprocess.run(
      command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_TIMEOUT_SECONDS
    )
  except subprocess.TimeoutExpired:
    raise TflmPatchError(f'{elf}: did not end within {_TIMEOUT_SECONDS:.0f} seconds') from None
  if done.returncode:
    raise TflmPatchError(f'{elf}: {core.emulator} ended with code {done.returncode}')
