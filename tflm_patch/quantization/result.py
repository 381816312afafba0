# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What `quantize` gives."""

from __future__ import annotations

import dataclasses

from tflm_patch.graph.types import Model


@dataclasses.dataclass(frozen=True)
class QuantizationResult:
  """A quantized model.

  Attributes:
    model: As a graph.
    data: As a `.tflite` file.
    samples: How many it was calibrated on.
  """

  model: Model
  data: bytes
  samples: int

  @property
  def operators(self) -> int:
    return len(self.model.main.operators)
