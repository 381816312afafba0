# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""From a model to its converted form; what plugins of one's own are written with."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from tflm_patch.conversion.plugins import Context, Plugin, Rewritten, register

__all__ = ['Context', 'Plugin', 'Rewritten', 'register']


def __getattr__(name: str) -> Any:
  if name not in __all__:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  return getattr(importlib.import_module('tflm_patch.conversion.plugins'), name)
