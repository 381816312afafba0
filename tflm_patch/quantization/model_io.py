# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Keras itself, and Keras models from files."""

from __future__ import annotations

import importlib.util
import json
import os
import pathlib
import platform
import sys
import zipfile
from contextlib import nullcontext
from typing import Any

from tflm_patch import models
from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.runtime import capture

_BACKENDS = {'tensorflow': 'tensorflow', 'jax': 'jax', 'torch': 'torch'}
_X86 = ('x86_64', 'AMD64')
_MAX_MODEL_BYTES = 1 << 31
_MAX_CONFIG_BYTES = 64 << 20


def require_keras() -> Any:
  """The module, with a backend that is installed.

  Raises:
    EnvironmentMissing: Keras, or every backend, is absent.
  """
  if importlib.util.find_spec('keras') is None:
    raise EnvironmentMissing(
      'Keras is not installed; pip install "tflm-patch[keras]" and a backend (jax, torch or '
      'tensorflow)'
    )
  if 'keras' not in sys.modules and 'KERAS_BACKEND' not in os.environ and not _configured():
    found = [name for name, module in _BACKENDS.items() if importlib.util.find_spec(module)]
    if not found:
      raise EnvironmentMissing(
        'no backend of Keras is installed; pip install jax (or torch, or tensorflow)'
      )
    os.environ['KERAS_BACKEND'] = found[0]
  if os.environ.get('KERAS_BACKEND') == 'tensorflow':
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  if 'tensorflow' not in sys.modules and platform.machine() in _X86:
    # TensorFlow itself takes these kernels with AVX-512 only; they are faster with AVX2, too.
    os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '1')
  try:
    # What TensorFlow logs while it loads is no concern of the user's.
    with nullcontext() if 'keras' in sys.modules else capture.stderr():
      import keras
  except ImportError as error:
    raise EnvironmentMissing(
      f'Keras cannot be imported ({error}); set KERAS_BACKEND to an installed backend'
    ) from None
  return keras


def _configured() -> bool:
  """Whether Keras' own file names a backend that is installed.

  Keras writes the file itself, with "tensorflow", wherever it is imported first.
  """
  home = os.environ.get('KERAS_HOME') or os.path.join(os.path.expanduser('~'), '.keras')
  try:
    with open(os.path.join(home, 'keras.json'), encoding='utf-8') as file:
      backend = json.load(file).get('backend')
  except (OSError, ValueError, AttributeError):
    return False
  module = _BACKENDS.get(backend)
  return module is not None and importlib.util.find_spec(module) is not None


def load_keras_model(path: str | os.PathLike[str]) -> Any:
  """Loads a `.keras` file in safe mode: code in it is not run.

  Raises:
    TflmPatchError: the file is no model, or holds a Lambda or a class that is not Keras'.
    EnvironmentMissing: Keras is absent.
  """
  name = os.fspath(path)
  _check_archive(pathlib.Path(name))
  keras = require_keras()
  # Registers the package's own layers with Keras' files.
  models.register_layers()
  try:
    return keras.saving.load_model(name, compile=False, safe_mode=True)
  except Exception as error:  # whatever Keras raises for what it does not like in a file
    text = ' '.join(str(error).split())
    if 'lambda' in text.lower():
      raise TflmPatchError(
        f'{name}: holds a Lambda, which is code and is not run; replace it with layers of Keras'
      ) from None
    if 'Could not locate class' in text or 'registered' in text:
      raise TflmPatchError(
        f"{name}: holds a class that is not Keras' own ({text[:160]}); load it in Python with "
        f'its class imported and call tflm_patch.quantize'
      ) from None
    raise TflmPatchError(
      f'{name}: Keras cannot load it ({text[:200]}); save the model with model.save'
    ) from None


def _check_archive(path: pathlib.Path) -> None:
  """Refuses what is no `.keras` file, or unpacks to more than any model has."""
  if not path.is_file():
    raise TflmPatchError(f'{path}: not a file; name a .keras file')
  if path.suffix != '.keras':
    raise TflmPatchError(
      f'{path}: not a .keras file; load it in Python and save it with model.save("model.keras")'
    )
  try:
    with zipfile.ZipFile(path) as archive:
      sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
  except (OSError, ValueError, zipfile.BadZipFile) as error:
    raise TflmPatchError(
      f'{path}: no .keras archive ({error}); save the model with model.save'
    ) from None
  if 'config.json' not in sizes:
    raise TflmPatchError(f'{path}: holds no config.json; save the model with model.save')
  if sizes['config.json'] > _MAX_CONFIG_BYTES or sum(sizes.values()) > _MAX_MODEL_BYTES:
    raise TflmPatchError(f'{path}: unpacks to more than {_MAX_MODEL_BYTES >> 30} GB; refused')


def input_signature(model: Any) -> tuple[list[str], list[tuple[int, ...]]]:
  """Names and shapes, with batch 1, of the inputs of a Keras model.

  Raises:
    TflmPatchError: the model has none, or they are open.
  """
  inputs = getattr(model, 'inputs', None)
  if not inputs:
    raise TflmPatchError(
      'the model has no inputs yet; build it, or begin a Sequential with keras.Input'
    )
  shapes = [(1, *tensor.shape[1:]) for tensor in inputs]
  for tensor, shape in zip(inputs, shapes):
    if any(size is None for size in shape):
      raise TflmPatchError(f'input "{input_name(tensor)}" has the open shape {list(tensor.shape)}')
  return [input_name(tensor) for tensor in inputs], shapes


def input_name(tensor: Any) -> str:
  """The name of an input of a Keras model: its layer's, which is kept in files."""
  history = getattr(tensor, '_keras_history', None)
  operation = None if history is None else history.operation
  return str(tensor.name if operation is None else operation.name)


def packed_inputs(model: Any, inputs: list[Any]) -> Any:
  """Inputs in the structure that the model is called with."""
  import keras

  structure = getattr(model, '_inputs_struct', None)
  if structure is None:
    return inputs[0] if len(inputs) == 1 else inputs
  return keras.tree.pack_sequence_as(structure, inputs)
