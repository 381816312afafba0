# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a fitness may know of the search that it judges for."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable

from tflm_patch.nas.data import SearchData
from tflm_patch.nas.options import DEFAULT, SearchOptions
from tflm_patch.nas.space import SearchSpace


@dataclasses.dataclass(frozen=True)
class Surroundings:
  """A search.

  Attributes:
    data: Its examples.
    space: What is searched.
    options: How.
    folder: Of its files; None for none.
    progress: Called with a line of text as the work proceeds.
  """

  data: SearchData
  space: SearchSpace
  options: SearchOptions = DEFAULT
  folder: pathlib.Path | None = None
  progress: Callable[[str], None] = lambda text: None
