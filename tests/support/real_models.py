# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Where the real models are: beside the project, or where TFLM_PATCH_MODELS says."""

import os
import pathlib

_ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(os.environ.get('TFLM_PATCH_MODELS', _ROOT.parent / 'shared' / 'models'))
MISSING = f'no models in {FOLDER}; set TFLM_PATCH_MODELS to their folder'


def available() -> bool:
  return any(FOLDER.glob('*.tflite'))
