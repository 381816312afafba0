# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""What cannot be quantized: one line that names the layer or the file, and the way out."""

import json
import zipfile

import numpy as np
import pytest
from support import keras_models

from tflm_patch.errors import TflmPatchError
from tflm_patch.quantization import (
  load_keras_model,
  load_samples,
  quantize,
  register_layer,
  samples,
)
from tflm_patch.quantization.layers.registry import supported

SHAPES = [(1, 6, 5, 3)]


def _error(model, given=None):
  given = keras_models.random_samples(model)[0] if given is None else given
  with pytest.raises(TflmPatchError) as caught:
    quantize(model, given)
  text = str(caught.value)
  assert '\n' not in text
  return text


def test_an_unknown_layer_is_named_with_its_place(keras):
  inner = keras.Sequential(
    [keras.Input((4, 6)), keras.layers.GroupNormalization(2, name='norm')], name='body'
  )
  source = keras.Input((4, 6))
  text = _error(keras.Model(source, inner(source)))
  assert '"body/norm"' in text
  assert 'GroupNormalization' in text
  assert '--backend tensorflow' in text


def test_a_subclass_of_a_layer_is_not_taken_for_the_layer(keras):
  class Doubled(keras.layers.Dense):
    def call(self, inputs):
      return 2 * super().call(inputs)

  model = keras_models.functional((4,), lambda x: Doubled(3, name='twice')(x))
  assert 'Doubled' in _error(model)


@pytest.mark.parametrize(
  ('name', 'arguments', 'problem'),
  [
    ('LSTM', {'activation': 'relu'}, 'relu is not tanh'),
    ('LSTM', {'recurrent_activation': 'hard_sigmoid'}, 'hard_sigmoid is not sigmoid'),
    ('LSTM', {'go_backwards': True}, 'go_backwards'),
    ('GRU', {'reset_after': False}, 'reset_after is off'),
    ('GRU', {'recurrent_activation': 'relu'}, 'relu is not sigmoid'),
  ],
)
def test_other_cells(keras, name, arguments, problem):
  model = keras_models.functional(
    (4, 3), lambda x: getattr(keras.layers, name)(5, name='cell', **arguments)(x)
  )
  text = _error(model)
  assert f'"cell" ({name}): ' in text
  assert problem in text


def test_attention_with_masks(keras):
  def build(**options):
    return keras_models.functional(
      (4, 6), lambda x: keras.layers.MultiHeadAttention(2, 3, name='attend')(x, x, **options)
    )

  text = _error(build(use_causal_mask=True))
  assert '"attend" (MultiHeadAttention): it has a mask' in text
  model = keras_models.functional(
    (3, 4, 6), lambda x: keras.layers.MultiHeadAttention(2, 3, name='attend')(x, x)
  )
  assert 'its inputs are not [steps, values]' in _error(model)


def test_layer_normalization_of_rows(keras):
  model = keras_models.functional((4, 6), keras.layers.LayerNormalization(axis=1, name='norm'))
  assert 'is not that of the channels' in _error(model)


def test_states_of_recurrent_layers(keras):
  source = keras.Input((4, 3), batch_size=1)
  model = keras.Model(source, keras.layers.LSTM(5, stateful=True)(source))
  assert 'it is stateful' in _error(model, np.zeros((1, 4, 3)))
  model = keras.Model(source, keras.layers.GRU(5, return_state=True)(source)[0])
  assert 'returns states' in _error(model, np.zeros((1, 4, 3)))


def test_a_layer_of_ones_own(keras):
  from tflm_patch.quantization.operators.base import Clamp
  from tflm_patch.quantization.operators.clamp import ClampOnly

  class Positive(keras.layers.Layer):
    def call(self, inputs):
      return keras.ops.maximum(inputs, 0.0)

  register_layer(Positive, lambda call: call.add(ClampOnly(clamp=Clamp(0.0)), call.input))
  model = keras_models.functional((4, 4, 2), lambda x: Positive()(x))
  assert keras_models.opcodes(quantize(model, keras_models.random_samples(model)[0]).model) == [
    'RELU'
  ]


def test_a_wrong_handler_is_found_out(keras):
  class Halved(keras.layers.Layer):
    def call(self, inputs):
      return inputs / 2.0

  register_layer(Halved, lambda call: call.add(_identity(), call.input))
  assert 'differs from the Keras model' in _error(
    keras_models.functional((4, 4, 2), lambda x: Halved()(x))
  )


def _identity():
  from tflm_patch.quantization.operators.requantize import Requantize

  return Requantize()


@pytest.mark.parametrize(
  'build, message',
  [
    (lambda layers, x: layers.ReLU(threshold=1.0)(x), 'threshold is 1'),
    (lambda layers, x: layers.Activation('softplus')(x), 'softplus is not supported'),
    (lambda layers, x: layers.Softmax(axis=1)(x), 'axis 1 is not the last'),
    (lambda layers, x: layers.BatchNormalization(axis=1)(x), 'axis 1'),
    (lambda layers, x: layers.UpSampling2D(interpolation='bicubic')(x), 'bicubic'),
    (lambda layers, x: layers.Conv3D(2, 1)(layers.Reshape((6, 5, 3, 1))(x)), 'Conv3D'),
  ],
)
def test_layers_with_arguments_that_tflm_lacks(keras, build, message):
  model = keras_models.functional((6, 5, 3), lambda x: build(keras.layers, x))
  text = _error(model)
  assert message in text
  assert 'tensorflow' in text


def test_open_sizes_and_models_without_a_graph(keras):
  layers = keras.layers
  source = keras.Input((None, None, 3))
  model = keras.Model(source, layers.Conv2D(2, 3)(source))
  assert 'open shape' in _error(model, np.zeros((1, 6, 6, 3), np.float32))
  assert 'no input shape' in _error(keras.Sequential([layers.Dense(2)]), np.zeros((1, 4)))

  class Own(keras.Model):
    def __init__(self):
      super().__init__()
      self.dense = layers.Dense(2)

    def call(self, inputs):
      return self.dense(inputs)

  own = Own()
  own(np.zeros((1, 4), np.float32))
  assert 'functional' in _error(own, np.zeros((1, 4)))


def test_weights_that_are_not_finite(keras):
  model = keras_models.functional((4,), lambda x: keras.layers.Dense(3, name='head')(x))
  model.layers[-1].set_weights([np.full((4, 3), np.nan), np.zeros(3)])
  text = _error(model)
  assert '"head"' in text
  assert 'not finite' in text


@pytest.mark.parametrize(
  'given, message',
  [
    (np.zeros((0, 6, 5, 3)), 'no samples'),
    (np.zeros((2, 5, 6, 3)), r'shape [2, 5, 6, 3]; the model takes [n, 6, 5, 3]'),
    (np.full((2, 6, 5, 3), np.inf), 'not finite'),
    (np.array(['a']), 'give numbers'),
    ({'a': np.zeros(3), 'b': np.zeros(3)}, 'none of a, b'),
  ],
)
def test_samples_that_do_not_fit(keras, given, message):
  model = keras_models.functional((6, 5, 3), lambda x: keras.layers.Conv2D(2, 3)(x))
  assert message in _error(model, given)


def test_samples_of_several_inputs(keras):
  first, second = keras.Input((3,), name='first'), keras.Input((3,), name='second')
  model = keras.Model([first, second], keras.layers.Add()([first, second]))
  assert 'first, second' in _error(model, np.zeros((2, 3)))
  assert 'no samples for "second"' in _error(model, {'first': np.zeros((2, 3))})
  assert '[2, 4] samples' in _error(model, [np.zeros((2, 3)), np.zeros((4, 3))])


def _refused(path, shapes=SHAPES):
  with pytest.raises(TflmPatchError) as caught:
    load_samples(path, ['image'], shapes)
  assert str(path) in str(caught.value)
  return str(caught.value)


def test_files_of_samples(tmp_path):
  images = np.random.default_rng(0).random((4, 6, 5, 3)).astype(np.float32)
  np.savez(tmp_path / 'one.npz', anything=images)
  np.savez_compressed(tmp_path / 'named.npz', image=images, labels=np.arange(4))
  np.savez(tmp_path / 'usual.npz', x_test=images, y_test=np.arange(4))
  np.save(tmp_path / 'plain.npy', images)
  for name in ('one.npz', 'named.npz', 'usual.npz', 'plain.npy'):
    (found,) = load_samples(tmp_path / name, ['image'], SHAPES)
    np.testing.assert_array_equal(found, images)


def test_files_that_hold_no_samples(tmp_path):
  np.savez(tmp_path / 'pickled.npz', image=np.array([{}], object))
  assert 'numpy.savez' in _refused(tmp_path / 'pickled.npz')
  (tmp_path / 'text.npz').write_text('nothing')
  assert 'cannot be read' in _refused(tmp_path / 'text.npz')
  assert 'no such file' in _refused(tmp_path / 'missing.npz')
  (tmp_path / 'empty').mkdir()
  assert 'no image' in _refused(tmp_path / 'empty')
  assert 'no image of 1 or 3 channels' in _refused(tmp_path / 'empty', [(1, 7)])


def test_an_archive_that_unpacks_to_too_much(tmp_path, monkeypatch):
  monkeypatch.setattr(samples, '_MAX_FILE_BYTES', 1 << 20)
  path = tmp_path / 'bomb.npz'
  np.savez_compressed(path, image=np.zeros((1 << 12, 6, 5, 3), np.float32))
  assert path.stat().st_size < 1 << 16
  assert 'unpacks to more than' in _refused(path)


def test_folders_of_images(tmp_path):
  image_module = pytest.importorskip('PIL.Image')
  for number, folder in enumerate(('cats', 'dogs')):
    (tmp_path / folder).mkdir()
    image = image_module.fromarray(np.full((12, 10, 3), 51 * (1 + number), np.uint8))
    image.save(tmp_path / folder / 'a.png')
  (tmp_path / 'LICENSE').write_text('text')
  (found,) = load_samples(tmp_path, ['image'], SHAPES, (-1.0, 1.0))
  np.testing.assert_allclose(found[:, 0, 0, 0], [-0.6, -0.2], atol=1e-6)
  assert found.shape == (2, 6, 5, 3)
  (grey,) = load_samples(tmp_path, ['image'], [(1, 4, 4, 1)])
  assert grey.shape == (2, 4, 4, 1)
  (tmp_path / 'dogs' / 'b.png').write_bytes(b'\x89PNG nothing')
  assert '"b.png" is no readable image' in _refused(tmp_path)


def test_pixels_of_images_are_limited(tmp_path):
  image_module = pytest.importorskip('PIL.Image')
  image_module.new('1', (12_000, 12_000)).save(tmp_path / 'huge.png')
  assert 'pixels' in _refused(tmp_path)


def test_a_keras_file(keras, tmp_path):
  model = keras_models.functional((6, 5, 3), lambda x: keras.layers.Conv2D(2, 3)(x))
  path = tmp_path / 'model.keras'
  model.save(path)
  loaded = load_keras_model(path)
  given = keras_models.random_samples(model)[0]
  assert quantize(loaded, given).data == quantize(model, given).data


def _load_error(path):
  with pytest.raises(TflmPatchError) as caught:
    load_keras_model(path)
  assert str(path) in str(caught.value)
  return str(caught.value)


def test_keras_files_that_are_refused(keras, tmp_path):
  model = keras_models.functional((3,), lambda x: keras.layers.Lambda(lambda y: y * 2)(x))
  model.save(tmp_path / 'lambda.keras')
  assert 'Lambda' in _load_error(tmp_path / 'lambda.keras')

  class Own(keras.layers.Layer):
    def call(self, inputs):
      return inputs

  keras_models.functional((3,), lambda x: Own()(x)).save(tmp_path / 'own.keras')
  assert "not Keras' own" in _load_error(tmp_path / 'own.keras')
  (tmp_path / 'text.keras').write_text('nothing')
  assert 'no .keras archive' in _load_error(tmp_path / 'text.keras')
  with zipfile.ZipFile(tmp_path / 'zip.keras', 'w') as archive:
    archive.writestr('a', 'b')
  assert 'config.json' in _load_error(tmp_path / 'zip.keras')
  with zipfile.ZipFile(tmp_path / 'odd.keras', 'w') as archive:
    archive.writestr('config.json', json.dumps({'class_name': 'Functional', 'config': 3}))
    archive.writestr('metadata.json', '{}')
  assert 'Keras cannot load it' in _load_error(tmp_path / 'odd.keras')
  (tmp_path / 'model.h5').write_text('nothing')
  assert 'model.save("model.keras")' in _load_error(tmp_path / 'model.h5')
  assert 'not a file' in _load_error(tmp_path / 'missing.keras')


def test_every_registered_layer_exists_in_keras(keras):
  layers, _ = supported()
  assert [name for name in layers if not hasattr(keras.layers, name)] == []
