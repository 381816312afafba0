# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""tflm-patch: int8 models in a fraction of TFLM's arena, bit-exactly.

import tflm_patch
result = tflm_patch.convert('model.tflite')            # writes model_patch.tflite
analysis = tflm_patch.analyze('model.tflite')          # memory over time
check = tflm_patch.verify('model.tflite', 'model_patch.tflite')
"""

from tflm_patch.api import ConversionResult, ConvertOptions, convert, convert_model
from tflm_patch.errors import ModelError, TflmPatchError
from tflm_patch.report.analysis import Analysis, analyze
from tflm_patch.report.verification import Verification, verify
from tflm_patch.version import __version__

__all__ = [
    'Analysis',
    'ConversionResult',
    'ConvertOptions',
    'ModelError',
    'TflmPatchError',
    'Verification',
    '__version__',
    'analyze',
    'convert',
    'convert_model',
    'verify',
]
