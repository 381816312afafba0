# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The instructions of an image, as GNU objdump prints them for Arm's Thumb code."""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
import re
import subprocess

from tflm_patch.errors import TflmPatchError

_LINE = re.compile(r'^\s*([0-9a-f]+):\t([0-9a-f ]+?)\s*\t(\S+)(?:\t(.*))?$', re.MULTILINE)
_REGISTER = re.compile(r'\b(?:r\d{1,2}|sp|lr|pc|[sd]\d{1,2})\b')
_RANGE = re.compile(r'\b([rsd])(\d+)-\1(\d+)\b')


@dataclasses.dataclass(frozen=True)
class Instruction:
  """An instruction.

  Attributes:
    address: Of its first byte.
    size: In bytes.
    mnemonic: In lower case, with its condition, without the width.
    operands: As they are printed.
  """

  address: int
  size: int
  mnemonic: str
  operands: str

  @functools.cached_property
  def registers(self) -> tuple[str, ...]:
    """Every register that is named, in order; ranges are spelled out."""
    text = _RANGE.sub(_spell_out, self.operands)
    return tuple(_REGISTER.findall(text))

  @functools.cached_property
  def address_registers(self) -> frozenset[str]:
    """Those that an address is made of."""
    _, bracket, inside = self.operands.partition('[')
    return frozenset(_REGISTER.findall(inside.partition(']')[0])) if bracket else frozenset()


def _spell_out(found: re.Match[str]) -> str:
  name, first, last = found[1], int(found[2]), int(found[3])
  return ', '.join(f'{name}{i}' for i in range(first, last + 1))


@functools.lru_cache(maxsize=8)
def disassemble(objdump: str, image: pathlib.Path) -> dict[int, Instruction]:
  """Instructions by address.

  Args:
    objdump: The program to call.
    image: An ELF file.

  Raises:
    TflmPatchError: the program is missing or fails.
  """
  arguments = [objdump, '-d', '-z', '-M', 'reg-names-std', os.fspath(image)]
  try:
    done = subprocess.run(arguments, capture_output=True, text=True)
  except OSError as error:
    raise TflmPatchError(f'{objdump}: cannot be run ({error.strerror})') from None
  if done.returncode:
    reason = (done.stderr.splitlines() or ['no reason given'])[0]
    raise TflmPatchError(f'{objdump} failed: {reason}')
  return parse(done.stdout)


def parse(text: str) -> dict[int, Instruction]:
  """Instructions by address, of what objdump prints."""
  found = {}
  for address, code, mnemonic, operands in _LINE.findall(text):
    at = int(address, 16)
    plain = mnemonic.lower().removesuffix('.n').removesuffix('.w')
    operands = re.split(r'\s*[;@<]', operands, maxsplit=1)[0]
    found[at] = Instruction(at, len(code.replace(' ', '')) // 2, plain, operands)
  return found
