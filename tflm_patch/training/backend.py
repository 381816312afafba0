# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What differs between the backends of Keras."""

from __future__ import annotations

from typing import Any

from tflm_patch.errors import TflmPatchError
from tflm_patch.quantization.model_io import require_keras
from tflm_patch.runtime import capture


def prepare(threads: int | None) -> Any:
  """Keras, ready to train.

  On a CPU TensorFlow's graphs without XLA are the fastest backend, several times faster than
  JAX for depthwise convolutions; it is taken where it is installed and nothing else is chosen.

  Args:
    threads: Of an operation, and of all of them; None for the backend's choice.

  Raises:
    EnvironmentMissing: Keras or a backend is absent.
    TflmPatchError: the number of threads cannot be set any more.
  """
  keras = require_keras()
  # What TensorFlow logs when its first operation looks for devices is no concern of the user's.
  with capture.stderr():
    if threads is not None:
      _limit_threads(keras.backend.backend(), threads)
    keras.ops.convert_to_tensor(0.0)
  return keras


def _limit_threads(backend: str, threads: int) -> None:
  if backend == 'tensorflow':
    import tensorflow

    settings = tensorflow.config.threading
    try:
      settings.set_intra_op_parallelism_threads(threads)
      settings.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
      # Its context exists: what it has cannot be changed, but may be what is wanted.
      if settings.get_intra_op_parallelism_threads() != threads:
        raise TflmPatchError(
          'TensorFlow runs already and cannot change its number of threads; leave out threads, '
          'or train before TensorFlow is used'
        ) from None
  elif backend == 'torch':
    import torch

    torch.set_num_threads(threads)
  else:
    raise TflmPatchError(
      f'the number of threads cannot be set for the backend {backend}; leave out threads and '
      'use taskset'
    )
