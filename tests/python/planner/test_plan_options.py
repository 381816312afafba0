# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Options of plans: names of choices, and what implies what."""

import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.planner.options import Objective, PlanOptions, Schedule


def test_choices_are_enums_whatever_they_are_given_as():
  named = PlanOptions(minimize='calls', schedule='patch')
  assert named == PlanOptions(minimize=Objective.CALLS, schedule=Schedule.PATCH)
  assert named.minimize is Objective.CALLS and named.schedule is Schedule.PATCH


@pytest.mark.parametrize(
  ('option', 'known'),
  [
    ({'minimize': 'macs'}, 'arena, calls, cycles'),
    ({'schedule': 'fast'}, 'auto, layer, stream, patch'),
  ],
)
def test_unknown_choices(option, known):
  with pytest.raises(TflmPatchError) as error:
    PlanOptions(**option)
  ((name, value),) = option.items()
  assert str(error.value) == f'{name} cannot be {value!r}; choose one of {known}'


@pytest.mark.parametrize(
  ('options', 'slower'),
  [
    ({}, False),
    ({'minimize': 'calls'}, False),
    ({'allow_slower': True}, True),
    ({'max_overhead': 1.1}, True),
    ({'arena_bytes': 1000}, True),
  ],
)
def test_what_allows_time_for_memory(options, slower):
  assert PlanOptions(**options).may_be_slower == slower
