# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What a Keras model will need on the chip, from its structure alone."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tflm_patch.conversion.fit import FitOptions, fits
from tflm_patch.conversion.fit_types import Fit
from tflm_patch.conversion.judge import DEFAULT_CPU
from tflm_patch.conversion.options import DEFAULT_OPTIONS, ConvertOptions
from tflm_patch.quantization.capture import capture
from tflm_patch.quantization.network import Network
from tflm_patch.quantization.structure import structural_graph
from tflm_patch.training.chip import chip_of


def footprint(model: Any, cpu: str = DEFAULT_CPU, convert: ConvertOptions = DEFAULT_OPTIONS) -> Fit:
  """Arena, flash, multiply-accumulates and instructions of a model once it is trained.

  They are what `quantize` and `convert` give then; weights that a converter can make use
  of, like channels of zeros, can only lower them.

  Args:
    model: A built functional or Sequential Keras model, or a float network (edited).
    cpu: A core with a cost model, whose instructions are predicted.
    convert: Of the conversion.

  Raises:
    TflmPatchError: a layer is not supported.
  """
  network = model if isinstance(model, Network) else capture(model)
  return fits(structural_graph(network), chip_of('any', cpu, 'portable'), FitOptions(convert))


def signature(network: Network) -> tuple[Any, ...]:
  """What of a float network its footprint depends on; equal for equal structures."""
  number = {id(value): k for k, value in enumerate(network.inputs)}
  found: list[Any] = [tuple(value.shape for value in network.inputs)]
  for node in network.nodes:
    sources = tuple(number.get(id(value), value.shape) for value in node.inputs)
    number[id(node.output)] = len(number)
    fields = tuple(
      value.shape if isinstance(value, np.ndarray) else value
      for value in (
        getattr(node.operation, field.name) for field in dataclasses.fields(node.operation)
      )
    )
    found.append((type(node.operation), fields, sources, node.output.shape))
  found.append(tuple(number.get(id(value)) for value in network.outputs))
  return tuple(found)
