# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What firmware needs of the kernels, for builds that are not exported."""

from __future__ import annotations

import os

from tflm_patch.codegen.model import describe
from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.files import read_limited
from tflm_patch.kernel_library import sources


def kernel_header(*paths: str | os.PathLike[str]) -> str:
  """The header that names the kernels of some models, for TFLM_PATCH_KERNEL_TABLE_FILE.

  Args:
    paths: `.tflite` files that `convert` wrote.

  Raises:
    TflmPatchError: a file cannot be read or has no stage, or none is given.
  """
  if not paths:
    raise TflmPatchError('no model is given whose kernels are to be named')
  infos = [describe(read_limited(path), os.fspath(path)) for path in paths]
  programs = [program for info in infos for program in info.programs]
  return sources.kernel_header(programs, ', '.join(info.shown for info in infos))
