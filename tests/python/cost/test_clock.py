# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Cycles and milliseconds of predictions; stock operators."""

import pytest

from tflm_patch import cost
from tflm_patch.cost import clock, stock


def test_modelled_cycles_before_assumed_ones():
  assumed = cost.CostPrediction(operators=(900.0,), executor=100.0)
  modelled = cost.CostPrediction((900.0,), 100.0, (1500.0,), 200.0)
  assert clock.cycles_of(assumed, 'cortex-m7') == 800
  assert clock.cycles_of(modelled, 'cortex-m4') == modelled.work == 1700
  assert clock.milliseconds(1_700_000, 100_000_000) == 17.0


def test_every_core_has_an_assumption():
  assert set(clock.CYCLES_PER_INSTRUCTION) == set(cost.known_cpus())


@pytest.mark.parametrize('cpu', ['cortex-m4', 'cortex-m33', 'cortex-m7'])
def test_stock_operators(cpu):
  nothing = dict.fromkeys(stock.FEATURES, 0)
  assert stock.predict(nothing, cpu, in_cycles=True) == 0
  one = stock.predict({**nothing, 'conv_macs': 1_000_000}, cpu, in_cycles=False)
  # CMSIS-NN takes 2 to 4 instructions a multiply-accumulate.
  assert 2e6 < one < 4e6
  assert one < stock.predict({**nothing, 'conv_macs': 1_000_000}, cpu, in_cycles=True) < 1.3 * one


def test_stock_operators_of_other_cores_are_not_known():
  assert stock.predict(dict.fromkeys(stock.FEATURES, 1), 'riscv32', in_cycles=False) is None
