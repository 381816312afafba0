# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Passes over the float network; each edits it in place and says whether it did."""

from __future__ import annotations

from collections.abc import Callable

from tflm_patch.graph.types import DType
from tflm_patch.quantization.network import Network
from tflm_patch.quantization.passes.flatten import drop_flattening
from tflm_patch.quantization.passes.fold_affine import fold_affine
from tflm_patch.quantization.passes.fold_padding import fold_padding
from tflm_patch.quantization.passes.fuse_clamps import fuse_clamps
from tflm_patch.quantization.passes.int16 import prepare_int16
from tflm_patch.quantization.passes.lower_affine import lower_affine
from tflm_patch.quantization.passes.reshapes import cancel_reshapes

_FOLDING: tuple[Callable[[Network], bool], ...] = (
  cancel_reshapes,
  fold_affine,
  fuse_clamps,
  fold_padding,
  drop_flattening,
)


def run_passes(network: Network, dtype: DType = DType.INT8) -> None:
  """All passes, until nothing changes.

  Args:
    network: Edited.
    dtype: Of the activations.

  Raises:
    TflmPatchError: TFLM has no operator of that type.
  """
  network.drop_unused()
  if dtype == DType.INT16:
    prepare_int16(network)
  _settle(network)
  if lower_affine(network):
    _settle(network)


def _settle(network: Network) -> None:
  changed = [True]
  while any(changed):
    changed = [fold(network) for fold in _FOLDING]
