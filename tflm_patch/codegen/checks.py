# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Programs from files are checked by the C validator before C is made of them."""

from __future__ import annotations

import ctypes
import os

from tflm_patch.errors import EnvironmentMissing, ModelError
from tflm_patch.graph.types import Operator, Subgraph
from tflm_patch.program import records as program
from tflm_patch.runtime import paths


class _TensorInfo(ctypes.Structure):
  """tflm_patch_tensor_info."""

  _fields_ = (('bytes', ctypes.c_uint32), ('type', ctypes.c_uint8))


def check_stage(subgraph: Subgraph, operator: Operator, where: str) -> None:
  """Checks the program of a stage operator as firmware does.

  Args:
    subgraph: Of the operator.
    operator: A stage operator.
    where: The file, for messages.

  Raises:
    ModelError: it is damaged.
    EnvironmentMissing: there is no host library, which has the validator.
  """
  if len(operator.inputs) < 2:
    raise ModelError(f'{where}: a stage operator has no program; convert the original model again')
  data, constants = (subgraph.tensors[i].data for i in operator.inputs[-2:])
  if data is None or constants is None:
    raise ModelError(f"{where}: a stage's program is missing; convert the original model again")
  try:
    library = ctypes.CDLL(os.fspath(paths.host_library()))
  except (EnvironmentMissing, OSError) as error:
    raise EnvironmentMissing(
      f'{where}: is converted already, and its stages cannot be checked without the host '
      'library; give the original model, or reinstall tflm-patch where gcc and g++ are'
    ) from error
  tensors = [subgraph.tensors[i] for i in (*operator.inputs[:-2], *operator.outputs)]
  unknown = 255
  infos = (_TensorInfo * len(tensors))(
    *(
      _TensorInfo(tensor.bytes, program.TYPE_CODES.get(tensor.dtype, unknown)) for tensor in tensors
    )
  )
  library.tflm_patch_status_text.restype = ctypes.c_char_p
  status = library.tflm_patch_validate(
    ctypes.byref(_Aligned(data.tobytes()).pointer),
    ctypes.c_size_t(data.size),
    ctypes.byref(_Aligned(constants.tobytes()).pointer),
    ctypes.c_size_t(constants.size),
    infos,
    ctypes.c_size_t(len(tensors)),
  )
  if status != 0:
    text = library.tflm_patch_status_text(status).decode().removesuffix(': convert again')
    raise ModelError(f'{where}: a stage is damaged: {text}; convert the original model again')


class _Aligned:
  """Bytes at an address that is a multiple of 16.

  Attributes:
    pointer: The first of them; keeps them alive.
  """

  def __init__(self, data: bytes) -> None:
    self._buffer = ctypes.create_string_buffer(len(data) + program.ALIGNMENT)
    shift = -ctypes.addressof(self._buffer) % program.ALIGNMENT
    ctypes.memmove(ctypes.addressof(self._buffer) + shift, data, len(data))
    self.pointer = (ctypes.c_char * len(data)).from_buffer(self._buffer, shift)
