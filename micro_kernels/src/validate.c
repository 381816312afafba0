/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Validation of a program: the boundary behind which nothing is checked. Every
 * offset and size is compared in 64 bits, every index before it is used, and
 * the schedule is run without the arithmetic (src/schedule.c). The work is linear
 * in the program.
 */
#include "validate.h"
#include "tflm_patch/executor.h"

/* The tables are read in place: no compiler may lay them out differently. */
_Static_assert(sizeof(tflm_patch_header) == 64, "header");
_Static_assert(offsetof(tflm_patch_header, n_segments) == offsetof(tflm_patch_header, n_maps) + 6,
               "counts");
_Static_assert(offsetof(tflm_patch_header, steps) == offsetof(tflm_patch_header, maps) + 16,
               "tables");
_Static_assert(sizeof(tflm_patch_map) == 32, "map");
_Static_assert(sizeof(tflm_patch_op) == 20, "operator");
_Static_assert(sizeof(tflm_patch_segment) == 12, "segment");
_Static_assert(sizeof(tflm_patch_step) == 4, "step");

/* ---- header ---- */

/* The tables in the order of their places in the header, and but for the steps of
 * their counts. */
static tflm_patch_status check_tables(const tflm_patch_header* header) {
  static const uint8_t kSizes[] = {
      sizeof(tflm_patch_map),     sizeof(tflm_patch_op),   sizeof(uint16_t),
      sizeof(tflm_patch_segment), sizeof(tflm_patch_step),
  };
  const uint8_t* bytes = (const uint8_t*)header;
  const uint16_t* counts =
      (const uint16_t*)(const void*)(bytes + offsetof(tflm_patch_header, n_maps));
  const uint32_t* places =
      (const uint32_t*)(const void*)(bytes + offsetof(tflm_patch_header, maps));
  for (uint32_t i = 0; i < sizeof(kSizes); ++i) {
    const uint32_t at = places[i];
    const uint32_t count = kSizes[i] == sizeof(tflm_patch_step) ? header->n_steps : counts[i];
    if (at % 4 != 0) {
      return TFLM_PATCH_BAD_ALIGNMENT;
    }
    if (at < sizeof(tflm_patch_header) || count == 0 || count > header->program_bytes / kSizes[i] ||
        !tflm_patch_fits(at, count * kSizes[i], header->program_bytes)) {
      return TFLM_PATCH_BAD_SIZE;
    }
  }
  return TFLM_PATCH_OK;
}

static tflm_patch_status check_header(const void* program, size_t program_bytes,
                                      const void* constants, size_t constants_bytes) {
  const tflm_patch_header* header = (const tflm_patch_header*)program;
  if (program == NULL || program_bytes < sizeof(tflm_patch_header)) {
    return TFLM_PATCH_BAD_SIZE;
  }
  if ((uintptr_t)program % TFLM_PATCH_ALIGNMENT != 0 ||
      (uintptr_t)constants % TFLM_PATCH_ALIGNMENT != 0) {
    return TFLM_PATCH_BAD_ALIGNMENT;
  }
  if (header->magic != TFLM_PATCH_MAGIC) {
    return TFLM_PATCH_BAD_MAGIC;
  }
  if (header->version != TFLM_PATCH_VERSION) {
    return TFLM_PATCH_BAD_VERSION;
  }
  if (header->family != TFLM_PATCH_FAMILY_PORTABLE) {
    return TFLM_PATCH_BAD_FAMILY;
  }
  if (header->program_bytes < sizeof(tflm_patch_header) || header->program_bytes > program_bytes) {
    return TFLM_PATCH_BAD_SIZE;
  }
  if (header->program_bytes % 4 != 0) {
    return TFLM_PATCH_BAD_ALIGNMENT;
  }
  if (header->checksum != tflm_patch_checksum((const uint8_t*)program + TFLM_PATCH_CHECKSUM_FROM,
                                              header->program_bytes - TFLM_PATCH_CHECKSUM_FROM)) {
    return TFLM_PATCH_BAD_CHECKSUM;
  }
  if (header->constants_bytes > constants_bytes ||
      (header->constants_bytes != 0 && constants == NULL)) {
    return TFLM_PATCH_BAD_SIZE;
  }
  if (header->workspace_bytes % TFLM_PATCH_ALIGNMENT != 0 ||
      header->state_bytes % TFLM_PATCH_ALIGNMENT != 0 ||
      header->fast_bytes % TFLM_PATCH_ALIGNMENT != 0) {
    return TFLM_PATCH_BAD_ALIGNMENT;
  }
  return check_tables(header);
}

/* ---- maps ---- */

static tflm_patch_status check_edges(const tflm_patch_validator* v) {
  const tflm_patch_header* header = v->stage.header;
  for (uint32_t i = 0; i < header->n_edges; ++i) {
    if (v->stage.edges[i] >= header->n_maps) {
      return TFLM_PATCH_BAD_INDEX;
    }
  }
  return TFLM_PATCH_OK;
}

/* Bytes of a region; 0 for one that does not exist, where no map fits. */
static uint32_t region_bytes(const tflm_patch_validator* v, uint32_t region) {
  switch (region) {
    case TFLM_PATCH_REGION_WORKSPACE:
      return v->stage.header->workspace_bytes;
    case TFLM_PATCH_REGION_CONSTANTS:
      return v->stage.header->constants_bytes;
    case TFLM_PATCH_REGION_STATE:
      return v->stage.header->state_bytes;
    case TFLM_PATCH_REGION_FAST:
      return v->stage.header->fast_bytes;
    default:
      region -= TFLM_PATCH_REGION_TENSOR;
      return region < v->n_tensors ? v->tensors[region].bytes : 0;
  }
}

static int is_zero_point(const tflm_patch_map* map) {
  switch (map->type) {
    case TFLM_PATCH_INT8:
      return tflm_patch_is_int8(map->zero_point);
    case TFLM_PATCH_UINT8:
      return map->zero_point >= 0 && map->zero_point <= UINT8_MAX;
    default:
      return map->zero_point == 0;
  }
}

/* Bytes between two slots of a map, whatever the direction. */
static uint32_t row_distance(const tflm_patch_map* map) {
  return map->row_bytes < 0 ? 0u - (uint32_t)map->row_bytes : (uint32_t)map->row_bytes;
}

/* Whether `slots` slots from an offset on, of `values` bytes each and no further
 * apart than INT32_MAX, lie in a container. */
static int piece_fits(const tflm_patch_map* map, uint32_t offset, uint32_t slots, uint32_t values,
                      uint32_t container) {
  const uint32_t distance = row_distance(map);
  const uint32_t reach = (slots - 1) * distance;
  if (slots - 1 > INT32_MAX / distance) { /* kernels reckon in 32 bits */
    return 0;
  }
  return map->row_bytes < 0 ? reach <= offset && tflm_patch_fits(offset, values, container)
                            : tflm_patch_fits(offset, reach + values, container);
}

/* A map lies in the state as a whole or not at all; what is kept has all its rows. */
static int is_state(const tflm_patch_map* map) {
  const uint8_t kept = map->region == TFLM_PATCH_REGION_STATE;
  return map->kept == kept &&
         (map->split == map->ring_rows || (map->split_region == TFLM_PATCH_REGION_STATE) == kept) &&
         (!kept || map->ring_rows == map->rows);
}

/* Size, type, place and alignment of a map; who makes it is checked later. */
static tflm_patch_status check_map(const tflm_patch_validator* v, const tflm_patch_map* map) {
  const uint32_t type_bytes = tflm_patch_type_bytes(map->type);
  if (map->cols == 0 || map->channels == 0 || map->ring_rows == 0 || map->ring_rows > map->rows ||
      map->split == 0 || map->split > map->ring_rows || type_bytes == 0 || !is_zero_point(map) ||
      !is_state(map)) {
    return TFLM_PATCH_BAD_MAP;
  }
  if (map->region >= TFLM_PATCH_REGION_TENSOR + v->n_tensors ||
      map->split_region >= TFLM_PATCH_REGION_TENSOR + v->n_tensors) {
    return TFLM_PATCH_BAD_INDEX;
  }
  const uint32_t distance = row_distance(map);
  if (distance > INT32_MAX || tflm_patch_row_values(map) > distance / type_bytes) {
    return TFLM_PATCH_BAD_MAP;
  }
  const uint32_t values = tflm_patch_row_values(map) * type_bytes;
  if (map->offset % type_bytes != 0 || distance % type_bytes != 0 ||
      map->split_offset % type_bytes != 0) {
    return TFLM_PATCH_BAD_ALIGNMENT;
  }
  const uint32_t rest = (uint32_t)map->ring_rows - map->split;
  if (!piece_fits(map, map->offset, map->split, values, region_bytes(v, map->region)) ||
      (rest != 0 &&
       !piece_fits(map, map->split_offset, rest, values, region_bytes(v, map->split_region)))) {
    return TFLM_PATCH_BAD_SIZE;
  }
  return TFLM_PATCH_OK;
}

static tflm_patch_status check_maps(const tflm_patch_validator* v) {
  for (uint32_t i = 0; i < v->stage.header->n_maps; ++i) {
    const tflm_patch_status status = check_map(v, &v->stage.maps[i]);
    if (status != TFLM_PATCH_OK) {
      return status;
    }
  }
  return TFLM_PATCH_OK;
}

/* ---- operators ---- */

/* Private memory, if any, lies in its region. */
static tflm_patch_status check_scratch(const tflm_patch_validator* v, const tflm_patch_op* op) {
  if (op->scratch == TFLM_PATCH_NONE) {
    return op->scratch_bytes == 0 ? TFLM_PATCH_OK : TFLM_PATCH_BAD_SIZE;
  }
  if (op->scratch % TFLM_PATCH_ALIGNMENT != 0) {
    return TFLM_PATCH_BAD_ALIGNMENT;
  }
  return op->scratch_region != TFLM_PATCH_REGION_CONSTANTS &&
                 tflm_patch_fits(op->scratch, op->scratch_bytes,
                                 region_bytes(v, op->scratch_region))
             ? TFLM_PATCH_OK
             : TFLM_PATCH_BAD_SIZE;
}

static tflm_patch_status check_op(const tflm_patch_validator* v, uint32_t index) {
  const tflm_patch_stage* stage = &v->stage;
  const tflm_patch_op* op = &stage->ops[index];
  const tflm_patch_kernel* kernel = tflm_patch_find_kernel(op->kind);
  if (kernel == NULL || op->n_inputs == 0 || op->n_outputs == 0) {
    return TFLM_PATCH_BAD_OP;
  }
  if (!tflm_patch_fits(op->first_edge, (uint32_t)op->n_inputs + op->n_outputs,
                       stage->header->n_edges)) {
    return TFLM_PATCH_BAD_INDEX;
  }
  if (op->params % 4 != 0) {
    return TFLM_PATCH_BAD_ALIGNMENT;
  }
  if (!tflm_patch_fits(op->params, kernel->params_bytes, stage->header->program_bytes)) {
    return TFLM_PATCH_BAD_SIZE;
  }
  tflm_patch_task task;
  tflm_patch_open_task(&task, stage, op);
  tflm_patch_status status = check_scratch(v, op);
  if (status == TFLM_PATCH_OK) {
    status = tflm_patch_check_rules(kernel, &task);
  }
  if (status == TFLM_PATCH_OK) {
    status = kernel->check(&task);
  }
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  for (uint32_t i = 0; i < op->n_outputs; ++i) {
    const tflm_patch_map* map = tflm_patch_output_map(stage, op, i);
    if (map->producer != index || map->region == TFLM_PATCH_REGION_CONSTANTS ||
        (map->split != map->ring_rows && map->split_region == TFLM_PATCH_REGION_CONSTANTS)) {
      return TFLM_PATCH_BAD_MAP;
    }
    if (!(kernel->rules & TFLM_PATCH_MAY_ACCUMULATE) && map->rows != op->steps) {
      return TFLM_PATCH_BAD_OP;
    }
  }
  return TFLM_PATCH_OK;
}

static tflm_patch_status check_ops(const tflm_patch_validator* v) {
  for (uint32_t i = 0; i < v->stage.header->n_ops; ++i) {
    const tflm_patch_status status = check_op(v, i);
    if (status != TFLM_PATCH_OK) {
      return status;
    }
  }
  return TFLM_PATCH_OK;
}

/* ---- who makes the maps, and the tensors ---- */

static int makes(const tflm_patch_stage* stage, const tflm_patch_op* op,
                 const tflm_patch_map* map) {
  for (uint32_t i = 0; i < op->n_outputs; ++i) {
    if (tflm_patch_output_map(stage, op, i) == map) {
      return 1;
    }
  }
  return 0;
}

/* Whether a map in a tensor's region is that tensor. As it lies in the region,
 * a whole map of the tensor's size in one piece has offset 0 and no gaps, and 32
 * bits hold its size. */
static int is_tensor(const tflm_patch_map* map, const tflm_patch_tensor_info* tensor) {
  return map->type == tensor->type && map->split == map->rows &&
         map->rows * tflm_patch_row_values(map) * tflm_patch_type_bytes(map->type) == tensor->bytes;
}

static tflm_patch_status check_producers(const tflm_patch_validator* v) {
  const tflm_patch_stage* stage = &v->stage;
  uint32_t found = 0; /* a bit for every tensor that has its map */
  for (uint32_t i = 0; i < stage->header->n_maps; ++i) {
    const tflm_patch_map* map = &stage->maps[i];
    const int in_tensor = map->region >= TFLM_PATCH_REGION_TENSOR;
    const uint32_t tensor = (uint32_t)map->region - TFLM_PATCH_REGION_TENSOR;
    if (map->producer == TFLM_PATCH_NONE) {
      if (map->split != map->rows || (!in_tensor && map->region != TFLM_PATCH_REGION_CONSTANTS) ||
          (in_tensor && tensor >= v->n_inputs)) {
        return TFLM_PATCH_BAD_MAP;
      }
      if (in_tensor && !is_tensor(map, &v->tensors[tensor])) {
        return TFLM_PATCH_BAD_TENSOR;
      }
    } else {
      if (map->producer >= stage->header->n_ops) {
        return TFLM_PATCH_BAD_INDEX;
      }
      if (!makes(stage, &stage->ops[map->producer], map)) {
        return TFLM_PATCH_BAD_MAP;
      }
    }
    /* Memory of a tensor may hold other maps as well; those that are made in an
     * input's say nothing of the input. */
    if (in_tensor && (tensor < v->n_inputs) == (map->producer == TFLM_PATCH_NONE) &&
        is_tensor(map, &v->tensors[tensor])) {
      found |= (uint32_t)1 << tensor;
    }
  }
  return found == ((uint32_t)1 << v->n_tensors) - 1u ? TFLM_PATCH_OK : TFLM_PATCH_BAD_TENSOR;
}

tflm_patch_status tflm_patch_validate(const void* program, size_t program_bytes,
                                      const void* constants, size_t constants_bytes,
                                      const tflm_patch_tensor_info* tensors, size_t n_tensors) {
  static tflm_patch_status (*const kChecks[])(const tflm_patch_validator*) = {
      check_edges, check_maps, check_ops, check_producers, tflm_patch_check_schedule,
  };
  tflm_patch_status status = check_header(program, program_bytes, constants, constants_bytes);
  if (status != TFLM_PATCH_OK) {
    return status;
  }
  const tflm_patch_header* header = (const tflm_patch_header*)program;
  if (n_tensors > TFLM_PATCH_MAX_TENSORS || header->n_outputs == 0 ||
      (size_t)header->n_inputs + header->n_outputs != n_tensors || tensors == NULL) {
    return TFLM_PATCH_BAD_TENSOR;
  }
  tflm_patch_validator v;
  tflm_patch_open_stage(&v.stage, program, constants);
  v.tensors = tensors;
  v.n_inputs = header->n_inputs;
  v.n_tensors = (uint32_t)n_tensors;
  for (size_t i = 0; i < sizeof(kChecks) / sizeof(kChecks[0]); ++i) {
    status = kChecks[i](&v);
    if (status != TFLM_PATCH_OK) {
      return status;
    }
  }
  return TFLM_PATCH_OK;
}
