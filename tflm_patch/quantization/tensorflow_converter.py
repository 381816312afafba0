# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`backend='tensorflow'`: the int8 model is written by TensorFlow's converter.

For layers that our own writer does not know. The model becomes a concrete function of
batch 1 whose variables are constants: of the converter's paths the fastest, and the one
that leaves no shape arithmetic in the model.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from absl import logging

from tflm_patch.errors import EnvironmentMissing, TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.types import DType
from tflm_patch.quantization.model_io import input_signature, packed_inputs
from tflm_patch.quantization.options import QuantizeOptions, Ranges
from tflm_patch.quantization.result import QuantizationResult
from tflm_patch.quantization.samples import MAX_SAMPLES, as_arrays
from tflm_patch.runtime import capture


def quantize(
  model: Any, samples: Any, options: QuantizeOptions, progress: Callable[[str], None]
) -> QuantizationResult:
  """As `tflm_patch.quantize`, by TensorFlow's converter.

  Raises:
    EnvironmentMissing: Keras does not run on TensorFlow.
    TflmPatchError: an option that the converter lacks, or it fails.
  """
  tf = _tensorflow()
  if options.ranges is not Ranges.MIN_MAX:
    raise TflmPatchError(
      f"TensorFlow's converter has no ranges by {options.ranges.value}; use min-max"
    )
  names, shapes = input_signature(model)
  arrays = as_arrays(samples, names, shapes, MAX_SAMPLES)
  progress('Tracing the model')
  with _quiet():
    frozen = _frozen(tf, model, shapes)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
  _configure(tf, converter, arrays, options)
  progress('Converting with TensorFlow')
  try:
    with _quiet():
      data = converter.convert()
  except Exception as error:  # whatever the converter raises
    text = ' '.join(str(error).split())[:200]
    raise TflmPatchError(f"{model.name}: TensorFlow's converter fails: {text}") from None
  return QuantizationResult(parse_model(data, model.name), data, len(arrays[0]))


def _tensorflow() -> Any:
  import keras

  if importlib.util.find_spec('tensorflow') is None:
    raise EnvironmentMissing(
      'TensorFlow is not installed; pip install "tflm-patch[train]", or use our own writer'
    )
  if keras.backend.backend() != 'tensorflow':
    raise EnvironmentMissing(
      f'Keras runs on {keras.backend.backend()}; set KERAS_BACKEND=tensorflow for '
      f"TensorFlow's converter, or use our own writer"
    )
  import tensorflow

  return tensorflow


def _frozen(tf: Any, model: Any, shapes: Sequence[tuple[int, ...]]) -> Any:
  """The model as a concrete function without variables."""
  from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

  def call(*inputs: Any) -> Any:
    return model(packed_inputs(model, list(inputs)), training=False)

  specs = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
  concrete = tf.function(call, jit_compile=False).get_concrete_function(*specs)
  return convert_variables_to_constants_v2(concrete)


def _configure(
  tf: Any, converter: Any, arrays: Sequence[np.ndarray], options: QuantizeOptions
) -> None:
  def representative() -> Iterator[list[np.ndarray]]:
    for number in range(len(arrays[0])):
      yield [array[number : number + 1] for array in arrays]

  sets = tf.lite.OpsSet
  is_int16 = options.dtype == DType.INT16
  converter.optimizations = [tf.lite.Optimize.DEFAULT]
  converter.representative_dataset = representative
  converter.target_spec.supported_ops = [
    sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    if is_int16
    else sets.TFLITE_BUILTINS_INT8
  ]
  if not options.per_channel:
    converter._experimental_disable_per_channel = True
  types = {
    DType.INT8: tf.int8,
    DType.UINT8: tf.uint8,
    DType.INT16: tf.int16,
    DType.FLOAT32: tf.float32,
  }
  converter.inference_input_type, converter.inference_output_type = (
    types[dtype] for dtype in options.io_types
  )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
  """The converter's own lines do not reach the user's terminal."""
  level = logging.get_verbosity()
  logging.set_verbosity(logging.ERROR)
  try:
    with capture.stderr():
      yield
  finally:
    logging.set_verbosity(level)
