# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Chips that nobody makes: a core, and the memory that is asked about."""

from __future__ import annotations

from tflm_patch.targets import Target

UNLIMITED = 1 << 40


def chip_of(
  name: str, cpu: str, kernels: str, sram_bytes: int | None = None, flash_bytes: int | None = None
) -> Target:
  """A chip of one memory.

  Args:
    name: What messages call it.
    cpu: A core with a cost model.
    kernels: The family of kernels that runs on it.
    sram_bytes: All of it in one piece; None where everything fits.
    flash_bytes: None for any.
  """
  memory = UNLIMITED if sram_bytes is None else sram_bytes
  return Target(
    name=name,
    cpu=cpu,
    kernels=kernels,
    clock_hz=1,  # times are not asked for
    sram_bytes=memory,
    sram_contiguous_bytes=memory,
    flash_bytes=flash_bytes,
    source='given',
  )
