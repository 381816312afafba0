# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""The sections of a measured job: firmware/marks.h, mirrored."""

from __future__ import annotations

import dataclasses

VALIDATE = 1
_FIRST_BAND = 2
_MARKS = 8192


@dataclasses.dataclass(frozen=True)
class Sections:
  """Numbers of a job's sections.

  Attributes:
    bands: Invocations that make up an inference.
    operators: Of its program.
  """

  bands: int
  operators: int

  @property
  def fit(self) -> bool:
    """Whether there is a mark for each of them."""
    return _FIRST_BAND + self.bands + self.operators <= _MARKS

  def band(self, number: int) -> int:
    return _FIRST_BAND + number

  def operator(self, number: int) -> int:
    return _FIRST_BAND + self.bands + number
