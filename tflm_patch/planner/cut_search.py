# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The search for cuts of a stage whose rows are laid out in little memory.

`Planner` runs it on the stage's graph and keeps places for a plan, `NativeSizes` on
arrays alone; both find the same.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Collection, Sequence
from typing import Generic, Protocol, TypeVar

from tflm_patch.planner.memory import layout
from tflm_patch.planner.memory.layout_search import Wish
from tflm_patch.planner.schedule.segments import Cuts

# How often the segment that bounds the memory is ruled out, to try other cuts: what
# has the lowest peak is not always what is laid out best.
_OTHER_CUTS = 2


class PeakSearch(Protocol):
  """Cuts by the bytes that are alive at their peaks."""

  def least_peak(self, floor_bytes: int, enough: float) -> int: ...

  def fewest_dispatches(
    self, limit: int, without: Collection[tuple[int, int]] = ...
  ) -> Cuts | None: ...


class Simulated(Protocol):
  """Cuts whose steps are known."""

  @property
  def peak_bytes(self) -> int:
    """The most bytes that are alive at once."""

  def bounding_segment(self) -> tuple[int, int]:
    """The segment during which the most memory is alive."""


class Placed(Protocol):
  """Cuts whose rows have places."""

  @property
  def workspace_bytes(self) -> int: ...


CandidateT = TypeVar('CandidateT', bound=Simulated)
PlacedT = TypeVar('PlacedT', bound=Placed)


class CutSearch(abc.ABC, Generic[CandidateT, PlacedT]):
  """Looks for cuts of one stage.

  Args:
    peaks: The stage's cuts by their peaks.
    tensor_bytes: Of the stage's tensors whose memory it uses.
  """

  def __init__(self, peaks: PeakSearch, tensor_bytes: int) -> None:
    self._peaks = peaks
    self._tensor_bytes = tensor_bytes
    self._least: int | None = None
    self._smallest: PlacedT | None = None

  @abc.abstractmethod
  def _simulate(self, cuts: Cuts) -> Sequence[CandidateT]:
    """Runs consecutive segments; what they need in one way or another."""

  @abc.abstractmethod
  def _place(self, candidate: CandidateT, wish: Wish) -> PlacedT | None:
    """Gives rows places; None when none are found that are of interest."""

  def _by_peak(self, cuts: Cuts) -> Sequence[CandidateT]:
    """What consecutive segments need, the lowest peak first."""
    found = self._simulate(cuts)
    return sorted(found, key=lambda each: each.peak_bytes) if len(found) > 1 else found

  def _lay_out(self, candidates: Sequence[CandidateT], wish: Wish) -> PlacedT | None:
    """Places in the smallest workspace; None when none are found that are of interest."""
    best: PlacedT | None = None
    for each in candidates:
      if best is not None:
        least = layout.aligned(each.peak_bytes - self._tensor_bytes)
        if best.workspace_bytes <= max(wish.enough, least):
          continue
        wish = dataclasses.replace(wish, limit=best.workspace_bytes)
      best = self._place(each, wish) or best
    return best

  @property
  def tensor_bytes(self) -> int:
    """Of the stage's tensors whose memory it uses."""
    return self._tensor_bytes

  def least_peak(self) -> int:
    """The fewest bytes alive at the peak of any plan, the stage's tensors included."""
    if self._least is None:
      self._least = self._peaks.least_peak(self._tensor_bytes, float('inf'))
    return self._least

  def gets_below(self, limit: float) -> bool:
    """Whether `least_peak()` is below a limit; less work than that where it is not."""
    if self._least is None:
      found = self._peaks.least_peak(self._tensor_bytes, limit)
      if found >= limit:
        return False
      self._least = found
    return self._least < limit

  def gets_below_tensors(self, limit: int, floor: int) -> bool:
    """Whether at most `limit` bytes are alive at once in some plan, tensors counted by rows.

    Args:
      limit: In bytes.
      floor: What is below that is all the same.
    """
    return self._peaks.least_peak(floor, limit + 1) <= limit

  def placed_within(self, workspace_limit: int) -> PlacedT | None:
    """Places in at most this workspace, found without much search; None where that takes more."""
    peak = self._tensor_bytes + workspace_limit
    # What leaves some room is laid out at once.
    for limit in (max(self.least_peak(), peak - peak // 8), self.least_peak()):
      cuts = self._peaks.fewest_dispatches(limit)
      if cuts is None:
        continue
      wish = Wish(workspace_limit + 1, brief=True, enough=workspace_limit)
      found = self._lay_out(self._by_peak(cuts), wish)
      if found is not None:
        return found
    return None

  def smallest_placed(self) -> PlacedT:
    """The places in the smallest workspace that was found."""
    if self._smallest is None:
      self._smallest = self._find_smallest(brief=False)
    return self._smallest

  def _find_smallest(self, brief: bool) -> PlacedT:
    least = self.least_peak()
    best: PlacedT | None = None
    without: set[tuple[int, int]] = set()
    limit = least
    for _ in range(1 + _OTHER_CUTS):
      cuts = self._peaks.fewest_dispatches(limit, without)
      if cuts is None:
        break
      candidates = self._by_peak(cuts)
      below = None if best is None else best.workspace_bytes
      best = self._lay_out(candidates, Wish(below, brief)) or best
      assert best is not None
      limit = self._tensor_bytes + best.workspace_bytes - layout.ALIGNMENT
      if limit < least:
        break
      without.add(candidates[0].bounding_segment())
    assert best is not None
    return best
