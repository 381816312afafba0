# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What operators are predicted to cost, without an emulator."""

import pytest
from support.model_builder import ModelBuilder

from tflm_patch import cost
from tflm_patch.api import ConvertOptions, convert_model
from tflm_patch.errors import TflmPatchError
from tflm_patch.planner.work import predict, work_of_plan


@pytest.mark.parametrize('cpu', cost.known_cpus())
def test_more_work_costs_more(cpu):
  costs = []
  for channels in (8, 16, 32):
    b = ModelBuilder(1)
    b.output(b.conv(b.conv(b.input((1, 16, 16, 8)), channels, 1), 8, 3))
    result = convert_model(b.build(), ConvertOptions(force_stage=True))
    (stage,) = result.stages
    prediction = predict(stage.plan, cpu)
    assert len(prediction.operators) == len(stage.plan.graph.ops)
    assert all(value > 0 for value in (*prediction.operators, prediction.executor))
    assert prediction.instructions == round(sum(prediction.operators) + prediction.executor)
    costs.append(prediction.instructions)
  assert costs == sorted(set(costs))


def test_an_operator_that_nobody_measured_costs_what_others_do():
  b = ModelBuilder(1)
  b.output(b.conv(b.input((1, 9, 9, 4)), 8, (9, 8), padding='VALID'))
  (stage,) = convert_model(b.build(), ConvertOptions(force_stage=True)).stages
  (work,) = work_of_plan(stage.plan)
  names = list(cost.classes_of(work))
  assert names == [
    'CONV_2D 9x8 few',
    'CONV_2D 9x8 any stride few',
    'CONV_2D any window few',
    'CONV_2D',
    'CONV_2D',
    'with weights',
  ]
  terms = cost.CostTerms({'with weights': {'macs': 2.0, 'rows': 3.0}}, {})
  found = cost.predict_work([work], cost.CostTable('any', '-O3', terms))
  assert found.operators == (2.0 * work.macs + 3.0,) and found.cycles is None
  slower = cost.CostTerms({'with weights': {'macs': 5.0}}, {'stages': 7.0})
  found = cost.predict_work([work], cost.CostTable('any', '-O3', terms, slower))
  assert found.operator_cycles == (5.0 * work.macs,) and found.executor_cycles == 7.0
  assert found.work == found.cycles == 5 * work.macs + 7 and found.instructions == 2 * work.macs + 3


def test_an_unknown_core():
  with pytest.raises(TflmPatchError, match=r'no costs are known for "z80"; known are .*cortex-m4'):
    cost.load('z80')


@pytest.mark.parametrize(
  ('name', 'core'),
  [
    ('Arm Cortex-M4F', 'cortex-m4'),
    ('cortex-m7', 'cortex-m7'),
    (' Cortex M55 ', 'cortex-m55'),
    ('Xtensa LX7', None),
  ],
)
def test_cores_of_data_sheets(name, core):
  assert cost.core_of(name) == core
