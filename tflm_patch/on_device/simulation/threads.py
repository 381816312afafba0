# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""One thread for products of matrices: those of a sample are so small that more take longer."""

from __future__ import annotations

import contextlib
import importlib


def one_thread() -> contextlib.AbstractContextManager[object]:
  """Within it NumPy's products run on one thread, where threadpoolctl is installed."""
  try:
    limits = importlib.import_module('threadpoolctl').threadpool_limits
  except ImportError:
    return contextlib.nullcontext()
  found: contextlib.AbstractContextManager[object] = limits(limits=1, user_api='blas')
  return found
