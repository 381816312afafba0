# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Trains the sample model that tflm-patch ships.

A small MobileNetV2-like classifier of handwritten digits, 64x64 pixels of grey,
trained on the digits that scikit-learn carries (8x8, enlarged) and quantized to
int8 by the TFLite converter. Nothing is downloaded. It takes some minutes on a CPU:

  pip install 'tflm-patch[train]'
  python examples/sample_model/train.py

The script prints the accuracy on the held-out digits and writes the model and a
few labelled digits into the package (or where --output says). The seeds are
fixed: the same versions on the same kind of machine give the same model.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import sys
import tempfile
from collections.abc import Iterator, Sequence

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SIZE = 64
CLASSES = 10
SEED = 7
MODEL_NAME = 'digits_64_int8.tflite'
SAMPLES_NAME = 'digits_64_samples.npz'
MIN_ACCURACY = 0.97
MAX_BYTES = 200_000

_PACKAGE_SAMPLE = pathlib.Path(__file__).resolve().parents[2] / 'tflm_patch' / 'sample'

_OUTPUT = flags.DEFINE_string('output', str(_PACKAGE_SAMPLE), 'Folder to write to.')
_EPOCHS = flags.DEFINE_integer('epochs', 30, 'Passes over the training digits.', lower_bound=1)


@dataclasses.dataclass(frozen=True)
class Digits:
  """Images float32[n, SIZE, SIZE, 1] in 0..1 and their labels int64[n]."""

  images: np.ndarray
  labels: np.ndarray


def enlarge(digits: np.ndarray) -> np.ndarray:
  """8x8 digits with values 0..16 on a SIZE x SIZE canvas with a margin, in 0..1."""
  inner = SIZE * 7 // 8
  margin = (SIZE - inner) // 2
  images = tf.image.resize(digits[..., np.newaxis] / 16, (inner, inner), method='bilinear')
  return tf.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0))).numpy()


def load() -> tuple[Digits, Digits]:
  """Training and held-out digits, a quarter of them held out, all classes alike."""
  digits = load_digits()
  train, test, train_labels, test_labels = train_test_split(
    digits.images.astype(np.float32),
    digits.target,
    test_size=0.25,
    stratify=digits.target,
    random_state=SEED,
  )
  return Digits(enlarge(train), train_labels), Digits(enlarge(test), test_labels)


def inverted_residual(
  x: keras.KerasTensor, out: int, expansion: int, stride: int
) -> keras.KerasTensor:
  """The block of MobileNetV2: expand, depthwise, project, with a shortcut where one fits."""
  shortcut = x
  x = keras.layers.Conv2D(x.shape[-1] * expansion, 1, use_bias=False)(x)
  x = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(x))
  x = keras.layers.DepthwiseConv2D(3, stride, 'same', use_bias=False)(x)
  x = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(x))
  x = keras.layers.Conv2D(out, 1, use_bias=False)(x)
  x = keras.layers.BatchNormalization()(x)
  if stride == 1 and shortcut.shape[-1] == out:
    x = keras.layers.Add()([shortcut, x])
  return x


def build() -> keras.Model:
  """The classifier: its early, wide feature maps are what needs memory."""
  image = keras.Input((SIZE, SIZE, 1))
  x = keras.layers.Conv2D(8, 3, 2, 'same', use_bias=False)(image)
  x = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(x))
  for out, expansion, stride in (
    (8, 4, 1),
    (16, 6, 2),
    (16, 6, 1),
    (24, 6, 2),
    (24, 6, 1),
    (40, 6, 2),
    (40, 6, 1),
  ):
    x = inverted_residual(x, out, expansion, stride)
  x = keras.layers.Conv2D(96, 1, use_bias=False)(x)
  x = keras.layers.ReLU(6.0)(keras.layers.BatchNormalization()(x))
  x = keras.layers.GlobalAveragePooling2D()(x)
  x = keras.layers.Dense(CLASSES)(x)
  return keras.Model(image, keras.layers.Softmax()(x))


def augmented(digits: Digits, batch: int = 32) -> tf.data.Dataset:
  """Batches of digits, each turned, moved, zoomed and dimmed a little."""
  move = keras.Sequential(
    [
      keras.layers.RandomTranslation(0.08, 0.08, fill_mode='constant', seed=SEED),
      keras.layers.RandomRotation(0.03, fill_mode='constant', seed=SEED),
      keras.layers.RandomZoom(0.1, fill_mode='constant', seed=SEED),
      keras.layers.RandomBrightness((-0.1, 0.1), value_range=(0, 1), seed=SEED),
    ]
  )
  return (
    tf.data.Dataset.from_tensor_slices((digits.images, digits.labels))
    .shuffle(len(digits.labels), seed=SEED)
    .batch(batch, drop_remainder=True)
    .map(lambda images, labels: (move(images, training=True), labels))
    .prefetch(2)
  )


def train(model: keras.Model, digits: Digits, epochs: int) -> None:
  """Trains in place: Adam, cosine decay, smoothed labels."""
  data = augmented(digits)
  steps = epochs * len(digits.labels) // 32
  model.compile(
    optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(4e-3, steps)),
    loss=smoothed_crossentropy,
    metrics=['accuracy'],
  )
  model.fit(data, epochs=epochs, verbose=2)


def smoothed_crossentropy(labels: tf.Tensor, predictions: tf.Tensor) -> tf.Tensor:
  """The loss: a twentieth of each label is spread over all classes."""
  one_hot = tf.one_hot(tf.cast(tf.reshape(labels, [-1]), tf.int32), CLASSES)
  return keras.losses.categorical_crossentropy(one_hot, predictions, label_smoothing=0.05)


def quantize(model: keras.Model, digits: Digits) -> bytes:
  """Post-training quantization to int8, input and output included."""

  def representative() -> Iterator[list[np.ndarray]]:
    for image in digits.images[:200]:
      yield [image[np.newaxis]]

  fixed = keras.Input(batch_shape=(1, SIZE, SIZE, 1), name='image')
  with tempfile.TemporaryDirectory() as folder:
    keras.Model(fixed, model(fixed)).export(folder, verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter.convert()


def as_int8(images: np.ndarray, quantization: tuple[float, int]) -> np.ndarray:
  """Images as the quantized model wants them."""
  scale, zero_point = quantization
  return np.clip(np.round(images / scale) + zero_point, -128, 127).astype(np.int8)


def quantized_accuracy(model: bytes, digits: Digits) -> tuple[float, np.ndarray]:
  """Share of digits that the int8 model gets right, and the images as int8."""
  interpreter = tf.lite.Interpreter(model_content=model)
  interpreter.allocate_tensors()
  (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
  images = as_int8(digits.images, source['quantization'])
  right = 0
  for image, label in zip(images, digits.labels):
    interpreter.set_tensor(source['index'], image[np.newaxis])
    interpreter.invoke()
    right += int(np.argmax(interpreter.get_tensor(target['index'])) == label)
  return right / len(digits.labels), images


def main(argv: Sequence[str]) -> None:
  """Trains, quantizes, measures and writes."""
  del argv
  keras.utils.set_random_seed(SEED)
  tf.config.experimental.enable_op_determinism()
  training, held_out = load()
  model = build()
  train(model, training, _EPOCHS.value)
  data = quantize(model, training)
  accuracy, images = quantized_accuracy(data, held_out)
  print(
    f'{MODEL_NAME}: {len(data):,} bytes, {model.count_params():,} parameters, int8 accuracy '
    f'{accuracy:.1%} on {len(held_out.labels)} held-out digits'
  )
  if accuracy < MIN_ACCURACY or len(data) > MAX_BYTES:
    sys.exit(f'not written: wanted {MIN_ACCURACY:.0%} and at most {MAX_BYTES:,} bytes')
  output = pathlib.Path(_OUTPUT.value)
  output.mkdir(parents=True, exist_ok=True)
  (output / MODEL_NAME).write_bytes(data)
  first_of_each = [int(np.flatnonzero(held_out.labels == label)[0]) for label in range(CLASSES)]
  np.savez_compressed(
    output / SAMPLES_NAME,
    images=images[first_of_each],
    labels=held_out.labels[first_of_each].astype(np.uint8),
  )


if __name__ == '__main__':
  app.run(main)
