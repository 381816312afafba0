/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What was learned, in the application's flash.
 *
 * Two slots take turns. A slot is erased, then written from its beginning; its last word is a
 * checksum of all before it. So a slot that power failed on has none, and the other one is
 * whole.
 */
#include <string.h>

#include "tflm_patch/training.h"

#define MAGIC 0x44504654u /* "TFPD" */
#define BLOCK 64u

typedef struct {
  uint32_t magic;
  uint32_t identity; /* of the model and the scheme */
  uint32_t sequence; /* the greater the newer */
  uint32_t bytes;    /* of the parameters */
  uint32_t counter;  /* of the state */
  uint32_t rate;     /* its bits */
  uint32_t unused[2];
} delta_header;

_Static_assert(sizeof(delta_header) == TFLM_PATCH_DELTA_HEADER_BYTES, "a header's size");

/* CRC-32 (IEEE 802.3), bit by bit: flash is slower. */
static uint32_t add_bytes(uint32_t crc, const uint8_t* data, uint32_t n) {
  for (uint32_t i = 0; i < n; ++i) {
    crc ^= data[i];
    for (uint32_t bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
  }
  return crc;
}

/* Whether a slot holds a whole delta, of any model. */
static int read_slot(const tflm_patch_flash* flash, uint32_t slot, delta_header* header) {
  const uint32_t base = slot * flash->slot_bytes;
  uint8_t block[BLOCK];
  uint32_t crc = ~0u, stored;
  if (flash->read(flash->context, base, header, sizeof(*header)) != 0 || header->magic != MAGIC ||
      flash->slot_bytes < TFLM_PATCH_DELTA_BYTES(0) ||
      header->bytes > flash->slot_bytes - TFLM_PATCH_DELTA_BYTES(0)) {
    return 0;
  }
  const uint32_t end = (uint32_t)sizeof(*header) + header->bytes;
  for (uint32_t at = 0; at < end; at += BLOCK) {
    const uint32_t n = end - at < BLOCK ? end - at : BLOCK;
    if (flash->read(flash->context, base + at, block, n) != 0) {
      return 0;
    }
    crc = add_bytes(crc, block, n);
  }
  return flash->read(flash->context, base + end, &stored, sizeof(stored)) == 0 && stored == ~crc;
}

/* The slot with the newest delta, -1 when there is none. Numbers may have wrapped around. */
static int newest_slot(const tflm_patch_flash* flash, delta_header* header) {
  delta_header headers[2];
  const int first = read_slot(flash, 0, &headers[0]);
  const int second = read_slot(flash, 1, &headers[1]);
  if (!first && !second) {
    return -1;
  }
  const int is_second =
      second && (!first || (int32_t)(headers[1].sequence - headers[0].sequence) > 0);
  *header = headers[is_second];
  return is_second;
}

tflm_patch_training_status tflm_patch_save_delta(const tflm_patch_flash* flash, uint32_t identity,
                                                 const void* parameters, uint32_t bytes,
                                                 tflm_patch_training_state* state) {
  delta_header header, newest;
  if (flash->slot_bytes < TFLM_PATCH_DELTA_BYTES(bytes)) {
    return TFLM_PATCH_TRAINING_BAD_FLASH;
  }
  const int old = newest_slot(flash, &newest);
  const uint32_t base = old == 0 ? flash->slot_bytes : 0;
  memset(&header, 0, sizeof(header));
  header.magic = MAGIC;
  header.identity = identity;
  header.sequence = old < 0 ? 1 : newest.sequence + 1;
  header.bytes = bytes;
  header.counter = state->counter;
  memcpy(&header.rate, &state->rate, sizeof(header.rate));
  const uint32_t crc = ~add_bytes(add_bytes(~0u, (const uint8_t*)&header, sizeof(header)),
                                  (const uint8_t*)parameters, bytes);
  if (flash->erase(flash->context, base, flash->slot_bytes) != 0 ||
      flash->write(flash->context, base, &header, sizeof(header)) != 0 ||
      flash->write(flash->context, base + (uint32_t)sizeof(header), parameters, bytes) != 0 ||
      flash->write(flash->context, base + (uint32_t)sizeof(header) + bytes, &crc, sizeof(crc)) !=
          0) {
    return TFLM_PATCH_TRAINING_BAD_FLASH;
  }
  state->sequence = header.sequence;
  return TFLM_PATCH_TRAINING_OK;
}

tflm_patch_training_status tflm_patch_load_delta(const tflm_patch_flash* flash, uint32_t identity,
                                                 void* parameters, uint32_t bytes,
                                                 tflm_patch_training_state* state) {
  delta_header header;
  const int slot = newest_slot(flash, &header);
  if (slot < 0) {
    return TFLM_PATCH_TRAINING_NO_DELTA;
  }
  if (header.identity != identity || header.bytes != bytes) {
    return TFLM_PATCH_TRAINING_OTHER_MODEL;
  }
  const uint32_t base = (uint32_t)slot * flash->slot_bytes;
  if (flash->read(flash->context, base + (uint32_t)sizeof(header), parameters, bytes) != 0) {
    return TFLM_PATCH_TRAINING_BAD_FLASH;
  }
  state->counter = header.counter;
  memcpy(&state->rate, &header.rate, sizeof(state->rate));
  state->sequence = header.sequence;
  state->samples = 0;
  state->is_computed = 0;
  return TFLM_PATCH_TRAINING_OK;
}
