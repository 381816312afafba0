# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""A Keras model from a spec."""

from __future__ import annotations

import dataclasses
from typing import Any

from tflm_patch import architecture
from tflm_patch.architecture.layers import Layer
from tflm_patch.architecture.network import Network, network_of
from tflm_patch.architecture.spec import Activation, Spec
from tflm_patch.errors import TflmPatchError
from tflm_patch.models.operators import MAKERS, WEIGHTED, Maker, norm_name
from tflm_patch.quantization.model_io import require_keras

_ATTRIBUTE = '_tflm_patch_spec'


@dataclasses.dataclass(frozen=True)
class BuildOptions:
  """How a spec becomes layers.

  Attributes:
    normalization: Batch normalization after every layer with weights, but those of gates
      (squeeze-excite) and those whose result is the answer. It costs nothing in int8.
    momentum: Of its moving averages.
    dropout: Part of the values that is dropped before the classifier; 0 for none.
  """

  normalization: bool = True
  momentum: float = 0.99
  dropout: float = 0.0


def build(spec: Spec | str, options: BuildOptions = BuildOptions(), name: str = 'spec') -> Any:
  """The functional Keras model of a spec.

  `quantize` of it gives the operators of `architecture.to_graph(spec)`, and layers have the
  names that those have in reports. The input are real numbers, as the spec's shape says
  (rows, columns, channels; a vector for `in640`).

  Args:
    spec: An architecture, its line or its name.
    options: See `BuildOptions`.
    name: Of the model.

  Returns:
    An untrained `keras.Model`; several outputs for detectors.

  Raises:
    SpecError: the spec cannot exist.
    EnvironmentMissing: Keras is not installed.
  """
  keras = require_keras()
  found = architecture.load(spec) if isinstance(spec, str) else spec
  network = network_of(found)
  layers = network.layers()
  plain = without_normalization(network)
  source = keras.Input(network.input.shape[1:], name='input')
  values = [source]
  for number, layer in enumerate(layers):
    normalized = options.normalization and number not in plain
    maker = Maker(layer, layer_name(number, layer), options.momentum if normalized else None)
    inputs = [values[value] for value in layer.inputs]
    if options.dropout and layer.opcode == 'FULLY_CONNECTED' and number in plain:
      inputs = [keras.layers.Dropout(options.dropout, name=f'{maker.name}_dropout')(inputs[0])]
    values.append(MAKERS[layer.opcode](maker, inputs))
  outputs = [values[value] for value in network.outputs]
  model = keras.Model(source, outputs[0] if len(outputs) == 1 else outputs, name=name)
  setattr(model, _ATTRIBUTE, found)
  return model


def spec_of(model: Any) -> Spec:
  """The spec that a model was built from.

  Raises:
    TflmPatchError: it was not built by `build` in this process: files do not keep the spec.
  """
  spec = getattr(model, _ATTRIBUTE, None)
  if not isinstance(spec, Spec):
    raise TflmPatchError(
      f'{getattr(model, "name", "the model")}: not known to be built from a spec; build it with '
      'models.build(spec) and load its weights with model.load_weights'
    )
  return spec


def layer_name(number: int, layer: Layer) -> str:
  """The name of the layer with that number, as in the graph of the spec."""
  return f'{layer.opcode.lower()}_{number}'


def layer_names(spec: Spec) -> list[list[str]]:
  """Names of the Keras layers with weights, for every block of a spec and for its head.

  Raises:
    SpecError: the spec cannot exist.
  """
  network = network_of(spec)
  layers = network.layers()
  counts = [len(fragment.layers) for fragment in network.fragments]
  if len(counts) == len(spec.blocks):
    counts.append(len(network.head))
  found, first = [], 0
  for count in counts:
    numbers = range(first, first + count)
    weighted = [k for k in numbers if layers[k].opcode in WEIGHTED]
    names = [layer_name(k, layers[k]) for k in weighted]
    found.append([each for name in names for each in (name, norm_name(name))])
    first += count
  return found


def without_normalization(network: Network) -> set[int]:
  """Numbers of layers with weights that are part of a gate, or give the answer."""
  layers = network.layers()
  readers: dict[int, list[int]] = {}
  for number, layer in enumerate(layers):
    for value in layer.inputs:
      readers.setdefault(value, []).append(number)
  answers = set(network.outputs)
  plain = set()
  gate: set[int] = set()  # values
  for number, layer in enumerate(layers):
    made = number + 1
    is_mean = layer.opcode == 'MEAN' and layer.keep_dims
    if is_mean or (layer.opcode != 'MUL' and gate.intersection(layer.inputs)):
      gate.add(made)
    ends = [layers[k].opcode for k in readers.get(made, ())]
    # An activation is part of the layer before it, SOFTMAX too when it comes last.
    is_answer = (made in answers and layer.activation is Activation.NONE) or ends == ['SOFTMAX']
    if layer.opcode in WEIGHTED and (made in gate or is_answer):
      plain.add(number)
  return plain
