# Copyright 2026 The tflm-patch Authors.
# SPDX-License-Identifier: Apache-2.0
"""Images in folders and archives: what is read, split, skipped and refused."""

import io
import tarfile

import numpy as np
import pytest

from tflm_patch.errors import TflmPatchError
from tflm_patch.training.data.image_folder import read_images

image_module = pytest.importorskip('PIL.Image')

SHAPE = (8, 8, 3)


def write_image(path, value, side=10):
  path.parent.mkdir(parents=True, exist_ok=True)
  image_module.new('RGB', (side, side), (value, value, value)).save(path)


@pytest.fixture
def photos(tmp_path):
  """Two classes of ten."""
  folder = tmp_path / 'photos'
  for k in range(10):
    write_image(folder / 'cat' / f'{k}.png', k)
    write_image(folder / 'dog' / f'{k}.jpg', 200 + k)
  return folder


def pixels(part):
  return sorted(part.inputs[:, 0, 0, 0].tolist())


def test_a_fifth_of_each_class_is_held_out(photos):
  found = read_images(photos, SHAPE)
  assert found.classes == ('cat', 'dog') and not found.skipped
  assert np.bincount(found.train.targets).tolist() == [8, 8]
  assert np.bincount(found.test.targets).tolist() == [2, 2]
  assert not set(pixels(found.train)) & set(pixels(found.test))
  assert found.train.inputs.shape == (16, *SHAPE) and found.train.inputs.dtype == np.uint8


def test_the_split_depends_on_seed_and_names_alone(photos):
  first = read_images(photos, SHAPE, seed=1)
  write_image(photos / 'dog' / 'notes.txt.png', 99)
  assert pixels(read_images(photos, SHAPE, seed=1).test)[:2] == pixels(first.test)[:2]
  splits = {tuple(pixels(read_images(photos, SHAPE, seed=seed).test)) for seed in range(6)}
  assert len(splits) > 1


@pytest.mark.parametrize('held', ['test', 'val'])
def test_folders_of_parts(photos, held):
  (photos.parent / 'all').mkdir()
  photos.rename(photos.parent / 'all' / 'train')
  for name in ('cat', 'dog'):
    write_image(photos.parent / 'all' / held / name / 'a.png', 77)
  found = read_images(photos.parent / 'all', SHAPE)
  assert len(found.train) == 20 and pixels(found.test) == [77, 77]


def test_a_folder_around_the_classes(photos, tmp_path):
  outer = tmp_path / 'outer'
  outer.mkdir()
  photos.rename(outer / 'photos')
  assert read_images(outer, SHAPE).classes == ('cat', 'dog')


def test_what_is_skipped_is_counted(photos):
  (photos / 'LICENSE').write_text('free')
  (photos / 'cat' / 'broken.jpg').write_bytes(b'\xff\xd8 no image')
  write_image(photos / 'lost.png', 1)
  huge = io.BytesIO()
  image_module.new('1', (10_000, 6_000)).save(huge, 'png')
  (photos / 'cat' / 'huge.png').write_bytes(huge.getvalue())
  found = read_images(photos, SHAPE)
  assert found.skipped == {
    'not an image': 1,
    'unreadable': 1,
    'beside the folders of the classes': 1,
    'more than 50,000,000 pixels': 1,
  }
  assert len(found.train) + len(found.test) == 20


def test_photographs_of_other_sizes_are_resized(photos):
  write_image(photos / 'cat' / 'large.png', 111, side=400)
  found = read_images(photos, (8, 12, 1))
  assert found.input_shape == (8, 12, 1)
  assert 111 in [*pixels(found.train), *pixels(found.test)]


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (lambda folder: (folder / 'fox').mkdir(), 'class "fox" has no image'),
    (lambda folder: [file.unlink() for file in (folder / 'cat').iterdir()], 'class "cat" has no'),
    (lambda folder: (folder / 'cat').rename(folder.parent / 'gone'), '1 class; images must lie'),
    (
      lambda folder: [file.write_bytes(b'x') for file in (folder / 'cat').iterdir()],
      'class "cat" has no readable image',
    ),
  ],
)
def test_classes_without_images(photos, change, message):
  change(photos)
  with pytest.raises(TflmPatchError, match=message) as error:
    read_images(photos, SHAPE)
  assert str(photos) in str(error.value)


def test_no_image_and_no_folder(tmp_path):
  with pytest.raises(TflmPatchError, match='no image in it'):
    read_images(tmp_path, SHAPE)
  with pytest.raises(TflmPatchError, match='no such file or folder'):
    read_images(tmp_path / 'none', SHAPE)
  (tmp_path / 'text.tar').write_text('no archive')
  with pytest.raises(TflmPatchError, match=r'cannot be read as an uncompressed \.tar'):
    read_images(tmp_path / 'text.tar', SHAPE)


def test_images_that_need_too_much_memory(photos):
  with pytest.raises(TflmPatchError, match='lower the resolution'):
    read_images(photos, (20_000, 20_000, 3))


@pytest.fixture
def archive(photos, tmp_path):
  path = tmp_path / 'photos.tar'
  with tarfile.open(path, 'w') as tar:
    tar.add(photos, 'photos')
  return path


def test_an_archive_reads_as_its_folder(photos, archive):
  ours, theirs = read_images(archive, SHAPE), read_images(photos, SHAPE)
  assert ours.classes == theirs.classes
  assert len(ours.train) == len(theirs.train) == 16
  assert not (photos.parent / 'cat').exists()


@pytest.mark.parametrize(
  ('name', 'kind', 'message'),
  [
    ('/etc/cat/a.png', tarfile.REGTYPE, 'leads out of the archive'),
    ('photos/../../a.png', tarfile.REGTYPE, 'leads out of the archive'),
    ('photos/cat/link.png', tarfile.SYMTYPE, 'neither a file nor a folder'),
    ('photos/cat/link.png', tarfile.LNKTYPE, 'neither a file nor a folder'),
    ('photos/cat/device.png', tarfile.CHRTYPE, 'neither a file nor a folder'),
  ],
)
def test_archives_that_are_not_harmless(archive, name, kind, message):
  with tarfile.open(archive, 'a') as tar:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, 'photos/cat/0.png'
    tar.addfile(member)
  with pytest.raises(TflmPatchError, match=message):
    read_images(archive, SHAPE)


def test_decoded_images_are_kept(photos, tmp_path):
  cache = tmp_path / 'data.npz'
  first = read_images(photos, SHAPE, cache=cache)
  lines = []
  again = read_images(photos, SHAPE, progress=lines.append, cache=cache)
  assert not lines
  np.testing.assert_array_equal(again.train.inputs, first.train.inputs)
  np.testing.assert_array_equal(again.test.targets, first.test.targets)
  assert again.classes == first.classes
  write_image(photos / 'cat' / 'new.png', 50)
  read_images(photos, SHAPE, progress=lines.append, cache=cache)
  assert lines
  cache.write_bytes(cache.read_bytes()[:1000])
  assert len(read_images(photos, SHAPE, cache=cache).train) == 17
