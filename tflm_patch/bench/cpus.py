# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The cores that models are measured on: compilers, flags, emulated machines.

All run under QEMU's `-icount shift=0`: an instruction takes a nanosecond of
virtual time, which is what the machines' clocks count.
"""

from __future__ import annotations

import dataclasses
import difflib

from tflm_patch.errors import TflmPatchError

_ARM_PACKAGES = {
  'arm-none-eabi-gcc': 'gcc-arm-none-eabi libnewlib-arm-none-eabi',
  'qemu-system-arm': 'qemu-system-arm',
}
_RISCV_PACKAGES = {
  'riscv64-unknown-elf-gcc': 'gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf',
  'qemu-system-riscv32': 'qemu-system-misc',
}


@dataclasses.dataclass(frozen=True)
class Cpu:
  """A core on an emulated machine.

  Attributes:
    name: As users type it.
    kernels: The kernel family made for it, as in `tflm_patch.targets`.
    compiler, emulator: Programs to call.
    packages: Debian packages that hold them, by program.
    flags: Of the compiler and the linker.
    machine: Arguments of the emulator that choose the machine.
    board: Source of start-up and clock, in the folder firmware/.
    script: Linker script, in the same folder.
    instructions_per_tick: Of the machine's clock, under `-icount shift=0`.
  """

  name: str
  kernels: str
  compiler: str
  emulator: str
  packages: dict[str, str]
  flags: tuple[str, ...]
  machine: tuple[str, ...]
  board: str
  script: str
  instructions_per_tick: float

  @property
  def has_fpu(self) -> bool:
    """Whether the compiler's flags have floats computed by hardware."""
    return '-mfloat-abi=hard' in self.flags


def _arm(
  name: str, kernels: str, machine: str, clock_hz: int, *flags: str, core: str | None = None
) -> Cpu:
  return Cpu(
    name=name,
    kernels=kernels,
    compiler='arm-none-eabi-gcc',
    emulator='qemu-system-arm',
    packages=_ARM_PACKAGES,
    flags=(f'-mcpu={core or name}', '-mthumb', '-mfloat-abi=hard', *flags),
    machine=('-M', machine),
    board='cortex_m.c',
    script=f'{machine.replace("-", "_")}.ld',
    instructions_per_tick=1e9 / clock_hz,
  )


_ALL = (
  _arm('cortex-m4', 'dsp', 'mps2-an386', 25_000_000, '-mfpu=fpv4-sp-d16'),
  _arm('cortex-m7', 'dsp', 'mps2-an500', 25_000_000, '-mfpu=fpv5-d16'),
  _arm('cortex-m33', 'dsp', 'mps2-an505', 20_000_000, '-mfpu=fpv5-sp-d16'),
  _arm('cortex-m55', 'mve', 'mps3-an547', 32_000_000),
  Cpu(
    name='riscv32',
    kernels='portable',
    compiler='riscv64-unknown-elf-gcc',
    emulator='qemu-system-riscv32',
    packages=_RISCV_PACKAGES,
    flags=('-march=rv32imc', '-mabi=ilp32', '--specs=picolibc.specs'),
    machine=('-M', 'virt', '-bios', 'none', '-m', '128'),
    board='riscv.c',
    script='riscv32_virt.ld',
    instructions_per_tick=1.0,
  ),
)
CPUS = {cpu.name: cpu for cpu in _ALL}
_ALIASES = {**{f'm{n}': f'cortex-m{n}' for n in (4, 7, 33, 55)}, 'rv32': 'riscv32'}


def find(name: str) -> Cpu:
  """A core by name: 'cortex-m4', 'm4', 'Cortex-M4F', 'riscv32'.

  Raises:
    TflmPatchError: there is none of that name.
  """
  wanted = name.strip().lower().removeprefix('arm ').replace('_', '-')
  for known in (wanted, wanted.removesuffix('f')):
    known = _ALIASES.get(known, known)
    if known in CPUS:
      return CPUS[known]
  near = difflib.get_close_matches(wanted, [*CPUS, *_ALIASES], n=1)
  hint = f'did you mean "{near[0]}"?' if near else f'known are {", ".join(CPUS)}'
  raise TflmPatchError(f'unknown CPU "{name}"; {hint}')
