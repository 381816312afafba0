# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Skips what needs the TFLM interpreter where there is none."""

import importlib.util

import pytest


@pytest.fixture
def needs_tflm():
  if importlib.util.find_spec('tflite_micro') is None:
    pytest.skip('tflite-micro is not installed')
