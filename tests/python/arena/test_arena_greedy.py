# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from tflm_patch.arena import greedy
from tflm_patch.arena.greedy import Requirement

requirements = st.lists(
  st.builds(
    lambda size, first, length: Requirement(16 * size, first, first + length),
    st.integers(0, 8),
    st.integers(0, 12),
    st.integers(0, 6),
  ),
  max_size=20,
)


def test_the_larger_come_first_and_of_equals_the_later():
  wanted = [Requirement(16, 0, 1), Requirement(32, 0, 1), Requirement(32, 1, 1)]
  assert greedy.place(wanted) == [64, 32, 0]


def test_buffers_that_never_meet_share_memory():
  assert greedy.place([Requirement(16, 0, 1), Requirement(48, 2, 3)]) == [0, 0]


def test_first_gap_that_is_large_enough():
  wanted = [
    Requirement(64, 0, 0),  # below the next one, but gone when the others come
    Requirement(48, 0, 2),
    Requirement(32, 1, 2),
    Requirement(16, 2, 2),
  ]
  assert greedy.place(wanted) == [0, 64, 0, 32]


def test_offline_offsets_are_kept_and_their_gaps_filled():
  wanted = [
    Requirement(16, 0, 3),
    Requirement(16, 0, 3, offset=32),
    Requirement(16, 0, 3, offset=0),
    Requirement(32, 0, 3),
  ]
  offsets = greedy.place(wanted)
  assert offsets == [16, 32, 0, 48]
  assert greedy.peak(wanted, offsets) == 80


def test_nothing_to_place():
  assert greedy.place([]) == []
  assert greedy.peak([], []) == 0


@given(requirements)
def test_what_is_alive_together_does_not_overlap(wanted):
  placed = list(zip(wanted, greedy.place(wanted)))
  for i, (a, a_offset) in enumerate(placed):
    for b, b_offset in placed[:i]:
      apart_in_time = a.last < b.first or b.last < a.first
      assert apart_in_time or a_offset + a.size <= b_offset or b_offset + b.size <= a_offset
