/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Validation of a schedule: it is run without the arithmetic. No step reads a row
 * that is not made yet or no longer there, or writes over sums that an operator
 * holds.
 */
#include "validate.h"

/* The state of a segment under simulation. */
typedef struct {
  const tflm_patch_segment* segment;
  uint32_t bands;                    /* of the input that were given */
  uint32_t n_sums;                   /* operators that hold some */
  uint16_t done[TFLM_PATCH_MAX_OPS]; /* steps that each operator has run */
} simulation;

/* Whether rows first..last of a map are there. */
static int are_rows_there(const tflm_patch_validator* v, const simulation* s,
                          const tflm_patch_map* map, const tflm_patch_span* rows) {
  const tflm_patch_op* producer = &v->stage.ops[map->producer];
  const uint16_t done = s->done[map->producer - s->segment->first_op];
  int32_t made = done;
  if (map->rows != producer->steps) { /* it accumulates */
    made = done == producer->steps ? map->rows : 0;
  }
  return rows->first > rows->last || (rows->last < made && rows->first + map->ring_rows >= made);
}

/* Whether the rows that a FEED step copies are those of the band at hand. */
static int is_band_there(const tflm_patch_validator* v, const simulation* s,
                         const tflm_patch_op* op, const tflm_patch_step* step) {
  const uint32_t rows = tflm_patch_input_map(&v->stage, op, 0)->rows;
  return step->row / rows == s->bands && step->row % rows + step->count <= rows;
}

/* ---- memory of a step ---- */

typedef struct {
  uint32_t region;
  uint32_t at;
  uint32_t n;
} bytes;

static int do_meet(const bytes* a, const bytes* b) {
  return a->region == b->region && a->at < b->at + b->n && b->at < a->at + a->n;
}

/* Where a row of a map lies: within its region, so 32 bits hold all sums. */
static bytes row_bytes(const tflm_patch_map* map, uint32_t row) {
  uint32_t slot = row % map->ring_rows;
  bytes found = {map->region, map->offset,
                 tflm_patch_row_values(map) * tflm_patch_type_bytes(map->type)};
  if (slot >= map->split) {
    slot -= map->split;
    found.region = map->split_region;
    found.at = map->split_offset;
  }
  found.at += slot * (uint32_t)map->row_bytes;
  return found;
}

/* Whether an operator's only row is made of sums that it holds in its scratch. */
static int accumulates(const tflm_patch_stage* stage, const tflm_patch_op* op) {
  return op->scratch_bytes != 0 && tflm_patch_output_map(stage, op, 0)->rows != op->steps;
}

/* Whether a step leaves the sums alone that operators hold, its own among them. */
static int are_sums_kept(const tflm_patch_validator* v, const simulation* s,
                         const tflm_patch_op* op, const tflm_patch_step* step) {
  const tflm_patch_stage* stage = &v->stage;
  const tflm_patch_op* ops = stage->ops + s->segment->first_op;
  const bytes own = {op->scratch_region, op->scratch, op->scratch_bytes};
  uint32_t first = step->row;
  uint32_t end = first + step->count;
  if (accumulates(stage, op)) { /* the last step makes the only row */
    first = 0;
    end = end == op->steps;
  } else if (s->n_sums == 0) {
    return 1;
  }
  for (uint32_t i = 0; i < s->segment->n_ops; ++i) {
    const bytes sums = {ops[i].scratch_region, ops[i].scratch, ops[i].scratch_bytes};
    const int is_own = &ops[i] == op;
    if (!accumulates(stage, &ops[i]) ||
        (!is_own && (s->done[i] == 0 || s->done[i] == ops[i].steps))) {
      continue;
    }
    if (!is_own && own.n != 0 && do_meet(&own, &sums)) {
      return 0;
    }
    for (uint32_t k = 0; k < op->n_outputs; ++k) {
      const tflm_patch_map* map = tflm_patch_output_map(stage, op, k);
      for (uint32_t row = first; row < end; ++row) {
        const bytes made = row_bytes(map, row);
        if (do_meet(&made, &sums)) {
          return 0;
        }
      }
    }
  }
  return 1;
}

/* Notes that an operator has run until a step. */
static void advance(const tflm_patch_validator* v, simulation* s, uint32_t op, uint32_t end) {
  const tflm_patch_op* found = &v->stage.ops[s->segment->first_op + op];
  if (accumulates(&v->stage, found)) {
    s->n_sums += s->done[op] == 0;
    s->n_sums -= end == found->steps;
  }
  s->done[op] = (uint16_t)end;
}

/* ---- steps ---- */

static tflm_patch_status check_step(const tflm_patch_validator* v, simulation* s,
                                    const tflm_patch_step* step) {
  const tflm_patch_stage* stage = &v->stage;
  const tflm_patch_segment* segment = s->segment;
  if (step->op == TFLM_PATCH_PAUSE) {
    s->bands += 1;
    return step->row == 0 && step->count == 0 ? TFLM_PATCH_OK : TFLM_PATCH_BAD_STEP;
  }
  if (step->op >= segment->n_ops) {
    return TFLM_PATCH_BAD_INDEX;
  }
  const tflm_patch_op* op = &stage->ops[segment->first_op + step->op];
  const uint32_t end = (uint32_t)step->row + step->count;
  if (step->count == 0 || step->row != s->done[step->op] || end > op->steps) {
    return TFLM_PATCH_BAD_STEP;
  }
  if (op->kind == TFLM_PATCH_FEED && !is_band_there(v, s, op, step)) {
    return TFLM_PATCH_BAD_STEP;
  }
  const tflm_patch_kernel* kernel = tflm_patch_find_kernel(op->kind);
  tflm_patch_task task;
  tflm_patch_open_task(&task, stage, op);
  for (uint32_t i = 0; i < op->n_inputs; ++i) {
    const tflm_patch_map* map = tflm_patch_input_map(stage, op, i);
    if (map->producer == TFLM_PATCH_NONE || map->kept) {
      continue; /* there from the start */
    }
    if (map->producer < segment->first_op) {
      if (map->ring_rows != map->rows) {
        return TFLM_PATCH_BAD_STEP;
      }
      continue;
    }
    if (map->producer - segment->first_op >= segment->n_ops) {
      return TFLM_PATCH_BAD_STEP;
    }
    tflm_patch_span rows;
    tflm_patch_span last;
    task.input = map;
    kernel->reads(&task, step->row, &rows);
    if (step->count > 1) {
      kernel->reads(&task, end - 1, &last);
      rows.last = last.last;
    }
    if (!are_rows_there(v, s, map, &rows)) {
      return TFLM_PATCH_BAD_STEP;
    }
  }
  if (!are_sums_kept(v, s, op, step)) {
    return TFLM_PATCH_BAD_STEP;
  }
  advance(v, s, step->op, end);
  return TFLM_PATCH_OK;
}

static tflm_patch_status check_segment(const tflm_patch_validator* v, simulation* s) {
  const tflm_patch_segment* segment = s->segment;
  const tflm_patch_step* step = v->stage.steps + segment->first_step;
  const tflm_patch_step* end = step + segment->n_steps;
  s->n_sums = 0;
  for (uint32_t i = 0; i < segment->n_ops; ++i) {
    s->done[i] = 0;
  }
  for (; step != end; ++step) {
    const tflm_patch_status status = check_step(v, s, step);
    if (status != TFLM_PATCH_OK) {
      return status;
    }
  }
  for (uint32_t i = 0; i < segment->n_ops; ++i) {
    if (s->done[i] != v->stage.ops[segment->first_op + i].steps) {
      return TFLM_PATCH_BAD_STEP;
    }
  }
  return TFLM_PATCH_OK;
}

tflm_patch_status tflm_patch_check_schedule(const tflm_patch_validator* v) {
  const tflm_patch_header* header = v->stage.header;
  uint32_t next_op = 0;
  uint32_t next_step = 0;
  uint32_t bands = 1;
  uint32_t hops = 0;
  simulation s;
  s.bands = 0;
  for (uint32_t i = 0; i < header->n_segments; ++i) {
    const tflm_patch_segment* segment = &v->stage.segments[i];
    if (segment->first_op != next_op || segment->first_step != next_step || segment->n_ops == 0 ||
        segment->n_ops > TFLM_PATCH_MAX_OPS ||
        !tflm_patch_fits(next_op, segment->n_ops, header->n_ops) ||
        !tflm_patch_fits(next_step, segment->n_steps, header->n_steps)) {
      return TFLM_PATCH_BAD_INDEX;
    }
    s.segment = segment;
    const tflm_patch_status status = check_segment(v, &s);
    if (status != TFLM_PATCH_OK) {
      return status;
    }
    next_op += segment->n_ops;
    next_step += segment->n_steps;
  }
  for (uint32_t i = 0; i < header->n_ops; ++i) {
    const tflm_patch_op* op = &v->stage.ops[i];
    if (op->kind == TFLM_PATCH_FEED) {
      if (bands != 1) {
        return TFLM_PATCH_BAD_OP;
      }
      bands = op->steps / tflm_patch_input_map(&v->stage, op, 0)->rows;
    }
    hops += op->kind == TFLM_PATCH_HOP;
  }
  if (hops > 1 || (hops == 1 && bands != 1)) {
    return TFLM_PATCH_BAD_OP;
  }
  if (s.bands != bands - 1) {
    return TFLM_PATCH_BAD_STEP;
  }
  return next_op == header->n_ops && next_step == header->n_steps ? TFLM_PATCH_OK
                                                                  : TFLM_PATCH_BAD_INDEX;
}
