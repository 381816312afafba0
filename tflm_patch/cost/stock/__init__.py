# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What operators take that stay TFLM's own, with its CMSIS-NN kernels.

The coefficients come from benchmarks/cortex_m/fit_stock.py: within 8 % of what whole
models execute on a Cortex-M4. They decide whether a stage is faster, not by how much.
"""

from __future__ import annotations

import functools
import json
import pathlib
from collections.abc import Mapping

FEATURES = ('conv_macs', 'depthwise_macs', 'dense_macs', 'outputs_with_weights', 'outputs')
FOLDER = pathlib.Path(__file__).resolve().parent
# The same kernels.
_SAME = {'cortex-m33': 'cortex-m4'}
# Of VWW 1.20, of ResNet-8 1.22: QEMU's blocks, weighed as in tflm_patch.bench.timing.
_CYCLES_PER_INSTRUCTION = 1.21


def predict(features: Mapping[str, int], cpu: str, in_cycles: bool) -> float | None:
  """Instructions or cycles of operators; None for a core without coefficients.

  Args:
    features: By FEATURES: multiply-accumulates, and values of outputs.
    cpu: The core.
    in_cycles: Whether its timings are known and cycles are wanted.
  """
  coefficients = _load(_SAME.get(cpu, cpu))
  if coefficients is None:
    return None
  instructions = sum(value * features[name] for name, value in coefficients.items())
  return instructions * _CYCLES_PER_INSTRUCTION if in_cycles else instructions


@functools.cache
def _load(cpu: str) -> dict[str, float] | None:
  path = FOLDER / f'{cpu}.json'
  if not path.exists():
    return None
  found: dict[str, float] = json.loads(path.read_text())['coefficients']
  return found
