# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch: int8 models in a fraction of TFLM's arena, bit-exactly.

import tflm_patch
result = tflm_patch.convert('model.tflite')            # writes model_patch.tflite
analysis = tflm_patch.analyze('model.tflite')          # memory over time
check = tflm_patch.verify('model.tflite', 'model_patch.tflite')
fit = tflm_patch.fits('model.tflite', 'stm32f412')       # does it fit, and by how much
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tflm_patch.version import __version__

if TYPE_CHECKING:
  from tflm_patch.analysis.memory import Analysis, analyze
  from tflm_patch.analysis.verification import Verification, verify
  from tflm_patch.api import ConversionResult, ConvertOptions, convert, convert_model
  from tflm_patch.architecture import Spec, SpecError
  from tflm_patch.conversion.fit import Fit, FitOptions, fits, fits_many
  from tflm_patch.errors import ModelError, TflmPatchError
  from tflm_patch.quantization import QuantizeOptions, quantize
  from tflm_patch.runtime.rows import run_rows

__all__ = [
    'Analysis',
    'ConversionResult',
    'ConvertOptions',
    'Fit',
    'FitOptions',
    'ModelError',
    'QuantizeOptions',
    'Spec',
    'SpecError',
    'TflmPatchError',
    'Verification',
    '__version__',
    'analyze',
    'convert',
    'convert_model',
    'fits',
    'fits_many',
    'quantize',
    'run_rows',
    'verify',
]

# Loaded when first used: importing the package stays quick.
_HOMES = {
    'ConversionResult': 'tflm_patch.api',
    'ConvertOptions': 'tflm_patch.api',
    'convert': 'tflm_patch.api',
    'convert_model': 'tflm_patch.api',
    'QuantizeOptions': 'tflm_patch.quantization',
    'quantize': 'tflm_patch.quantization',
    'ModelError': 'tflm_patch.errors',
    'TflmPatchError': 'tflm_patch.errors',
    'Analysis': 'tflm_patch.analysis.memory',
    'analyze': 'tflm_patch.analysis.memory',
    'Verification': 'tflm_patch.analysis.verification',
    'verify': 'tflm_patch.analysis.verification',
    'Fit': 'tflm_patch.conversion.fit',
    'FitOptions': 'tflm_patch.conversion.fit',
    'fits': 'tflm_patch.conversion.fit',
    'fits_many': 'tflm_patch.conversion.fit',
    'Spec': 'tflm_patch.architecture',
    'SpecError': 'tflm_patch.architecture',
    'run_rows': 'tflm_patch.runtime.rows',
}


def __getattr__(name: str) -> Any:
  if name not in _HOMES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  return getattr(importlib.import_module(_HOMES[name]), name)
