# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""`quantize`: a Keras model and samples become an int8 model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tflm_patch.errors import TflmPatchError
from tflm_patch.graph.reader import parse_model
from tflm_patch.graph.writer import serialize_model
from tflm_patch.quantization.calibration import batch_size, batches, calibrate, evaluate
from tflm_patch.quantization.capture import capture
from tflm_patch.quantization.emission import Emitter
from tflm_patch.quantization.model_io import input_signature, packed_inputs, require_keras
from tflm_patch.quantization.network import Network
from tflm_patch.quantization.options import DEFAULT, Backend, GeluBy, QuantizeOptions
from tflm_patch.quantization.passes import run_passes
from tflm_patch.quantization.passes.replace_gelu import replace_gelu
from tflm_patch.quantization.result import QuantizationResult
from tflm_patch.quantization.samples import MAX_SAMPLES, as_arrays
from tflm_patch.quantization.scales import assign_scales

# Of the float network against Keras, in parts of the largest output.
_TOLERANCE = 2e-3

Progress = Callable[[str], None]


def quantize(
  model: Any, samples: Any, options: QuantizeOptions = DEFAULT, progress: Progress | None = None
) -> QuantizationResult:
  """Quantizes a Keras model to int8 after training.

  Args:
    model: A built functional or Sequential Keras 3 model, on any backend; it may be nested.
    samples: Typical inputs, as the model takes them: an array, a list of arrays for several
      inputs, or a dictionary by their names. At most 512 are used.
    options: See `QuantizeOptions`.
    progress: Called with a line of text as the work proceeds.

  Raises:
    TflmPatchError: a layer is not supported, or the samples do not fit.
    EnvironmentMissing: Keras is not installed.
  """
  require_keras()
  say = progress or (lambda text: None)
  if options.backend is Backend.TENSORFLOW:
    from tflm_patch.quantization import tensorflow_converter

    return tensorflow_converter.quantize(model, samples, options, say)
  say('Reading the layers')
  network = capture(model, allows_gelu=options.gelu is GeluBy.SIGMOID)
  network.indices()
  names, shapes = input_signature(model)
  arrays = as_arrays(samples, names, shapes, MAX_SAMPLES)
  run_passes(network, options.dtype)
  say('Comparing the network with Keras')
  check_capture(model, network, arrays)
  if replace_gelu(network):
    run_passes(network, options.dtype)
  ranges = calibrate(network, arrays, options, say)
  scales = assign_scales(network, ranges, options.dtype)
  say('Writing the model')
  graph = Emitter(network, scales, options).run()
  data = serialize_model(graph)
  return QuantizationResult(parse_model(data, model.name), data, len(arrays[0]))


def check_capture(model: Any, network: Network, samples: Sequence[np.ndarray]) -> None:
  """Compares the float network with the Keras model on the first samples.

  Raises:
    TflmPatchError: they differ by more than rounding.
  """
  import keras
  from keras import ops

  batch = next(batches(samples, batch_size(network)))
  inputs = [ops.convert_to_tensor(array, 'float32') for array in batch]
  wanted = model(packed_inputs(model, inputs), training=False)
  results = evaluate(network, ops, batch)
  for value, ours, keras_output in zip(network.outputs, results, keras.tree.flatten(wanted)):
    theirs = np.asarray(ops.convert_to_numpy(keras_output), np.float64)
    difference = np.asarray(ops.convert_to_numpy(ours), np.float64) - theirs
    largest = float(np.abs(difference).max())
    scale = max(float(np.abs(theirs).max()), 1e-6)
    if not largest <= _TOLERANCE * scale:
      raise TflmPatchError(
        f'output "{value.name}": the network that was read differs from the Keras model by '
        f'{largest:g} of {scale:g}; use --backend tensorflow, and please report it'
      )
