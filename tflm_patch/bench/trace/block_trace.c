/* Copyright 2026 The tflm-patch Authors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A plugin of QEMU that counts how often one translated block follows another,
 * apart for each section of the program; what that takes on a core is worked
 * out elsewhere. The program enters section n by a store to byte n of an array.
 *
 * Arguments, addresses and sizes in hexadecimal:
 *   out=FILE           gets the counts when QEMU ends
 *   marks=BEGIN:BYTES  the array; section 0 is not counted
 *   marker=BEGIN:BYTES the function that stores to it
 *   flash=BEGIN:BYTES  memory behind the cache of data; may be given twice
 *   word=BYTES         of flash, read at once: a line of the caches
 *   code_lines=N, data_lines=N
 *
 * Lines of the file:
 *   block INDEX ADDRESS BYTES
 *   edge SECTION FROM TO COUNT
 *   section SECTION MISALIGNED CODE_MISSES NEXT_MISSES DATA_MISSES
 * MISALIGNED are the further bus accesses of words and halfwords that are not
 * aligned, NEXT_MISSES those of the word of code behind the one before.
 */
#define _POSIX_C_SOURCE 200809L /* strdup */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

enum { kMaxLines = 1024, kMaxRegions = 4, kFirstEdges = 1 << 14 };

QEMU_EXPORT int qemu_plugin_version = 1;

typedef struct {
  uint64_t begin;
  uint64_t bytes;
} region;

typedef struct {
  uint64_t address;
  uint32_t bytes;
  uint32_t index;
} block;

typedef struct {
  uint64_t count; /* 0: free */
  uint32_t section;
  uint32_t from;
  uint32_t to;
} edge;

typedef struct {
  uint64_t misaligned;
  uint64_t code_misses;
  uint64_t next_misses;
  uint64_t data_misses;
} section_counts;

/* Least recently used of all lines goes. */
typedef struct {
  uint32_t n;
  uint32_t used;
  uint64_t now;
  uint64_t words[kMaxLines];
  uint64_t times[kMaxLines];
} cache;

static const char* g_out;
static region g_marks;
static region g_marker;
static region g_flash[kMaxRegions];
static uint32_t g_regions;
static uint32_t g_word;
static cache g_code;
static cache g_data;
static uint64_t g_last_code_word = UINT64_MAX;

static block** g_blocks;
static uint32_t g_n_blocks;
static edge* g_edges;
static uint32_t g_capacity;
static uint32_t g_n_edges;
static section_counts* g_sections;
static uint32_t g_section;
static uint32_t g_previous;

static void* allocate(void* old, size_t count, size_t bytes) {
  void* found = realloc(old, count * bytes);
  if (found == NULL) {
    fprintf(stderr, "block_trace: out of memory\n");
    exit(1);
  }
  return found;
}

static bool is_in(const region* where, uint64_t address) {
  return address - where->begin < where->bytes;
}

/* ---- edges ---- */

static edge* find_edge(edge* edges, uint32_t capacity, uint32_t section, uint32_t from,
                       uint32_t to) {
  uint64_t hash = ((uint64_t)from << 32 | to) * 0x9E3779B97F4A7C15u;
  hash ^= (uint64_t)section * 0xC2B2AE3D27D4EB4Fu;
  for (uint64_t at = hash >> 20;; ++at) {
    edge* found = &edges[at & (capacity - 1)];
    if (found->count == 0 ||
        (found->from == from && found->to == to && found->section == section)) {
      return found;
    }
  }
}

static void grow(void) {
  const uint32_t capacity = 2 * g_capacity;
  edge* edges = allocate(NULL, capacity, sizeof(edge));
  memset(edges, 0, capacity * sizeof(edge));
  for (uint32_t i = 0; i < g_capacity; ++i) {
    const edge* old = &g_edges[i];
    if (old->count != 0) {
      *find_edge(edges, capacity, old->section, old->from, old->to) = *old;
    }
  }
  free(g_edges);
  g_edges = edges;
  g_capacity = capacity;
}

static void count_edge(uint32_t from, uint32_t to) {
  edge* found = find_edge(g_edges, g_capacity, g_section, from, to);
  if (found->count++ == 0) {
    found->section = g_section;
    found->from = from;
    found->to = to;
    if (2 * ++g_n_edges > g_capacity) {
      grow();
    }
  }
}

/* ---- flash ---- */

/* Whether a word was not there; it is now. */
static bool misses(cache* lines, uint64_t word) {
  uint32_t oldest = 0;
  ++lines->now;
  for (uint32_t i = 0; i < lines->used; ++i) {
    if (lines->words[i] == word) {
      lines->times[i] = lines->now;
      return false;
    }
    if (lines->times[i] < lines->times[oldest]) {
      oldest = i;
    }
  }
  if (lines->used < lines->n) {
    oldest = lines->used++;
  }
  if (lines->n != 0) {
    lines->words[oldest] = word;
    lines->times[oldest] = lines->now;
  }
  return true;
}

static void fetch_code(uint64_t address, uint32_t bytes) {
  const uint64_t last = (address + bytes - 1) / g_word;
  for (uint64_t word = address / g_word; word <= last; ++word) {
    if (word == g_last_code_word) {
      continue;
    }
    if (misses(&g_code, word)) {
      const bool is_next = word == g_last_code_word + 1;
      g_sections[g_section].code_misses += !is_next;
      g_sections[g_section].next_misses += is_next;
    }
    g_last_code_word = word;
  }
}

static void read_data(uint64_t address) {
  for (uint32_t i = 0; i < g_regions; ++i) {
    if (is_in(&g_flash[i], address)) {
      g_sections[g_section].data_misses += misses(&g_data, address / g_word);
      return;
    }
  }
}

/* ---- what QEMU calls ---- */

static void on_run(unsigned cpu, void* user) {
  const block* now = user;
  (void)cpu;
  if (g_section != 0) {
    count_edge(g_previous, now->index);
    if (g_word != 0) {
      fetch_code(now->address, now->bytes);
    }
  }
  g_previous = now->index;
}

static void on_access(unsigned cpu, plugin_memory access, uint64_t address, void* user) {
  (void)cpu;
  (void)user;
  if (g_section == 0) {
    return;
  }
  const uint64_t bytes = UINT64_C(1) << qemu_plugin_mem_size_shift(access);
  const uint64_t off = address & (bytes - 1) & 3;
  if (off != 0) {
    g_sections[g_section].misaligned += bytes == 2 || off == 2 ? 1 : 2;
  }
  if (g_word != 0 && !qemu_plugin_mem_is_store(access)) {
    read_data(address);
  }
}

static void on_mark(unsigned cpu, plugin_memory access, uint64_t address, void* user) {
  (void)cpu;
  (void)access;
  (void)user;
  if (is_in(&g_marks, address)) {
    g_section = (uint32_t)(address - g_marks.begin);
  }
}

/* Of a Thumb instruction, by its first halfword. The size that QEMU says of a block's last one
 * has that halfword of the next one, too, where the next one reaches into another page. */
static uint32_t instruction_bytes(const plugin_instruction* instruction) {
  uint16_t first;
  memcpy(&first, qemu_plugin_insn_data(instruction), sizeof(first));
  return first >> 11 >= 0x1D ? 4 : 2;
}

static void on_block(plugin_id id, plugin_block* found) {
  (void)id;
  const size_t n = qemu_plugin_tb_n_insns(found);
  block* made = allocate(NULL, 1, sizeof(block));
  made->address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(found, 0));
  made->bytes = 0;
  made->index = g_n_blocks;
  for (size_t i = 0; i < n; ++i) {
    plugin_instruction* instruction = qemu_plugin_tb_get_insn(found, i);
    made->bytes += instruction_bytes(instruction);
    if (is_in(&g_marker, qemu_plugin_insn_vaddr(instruction))) {
      qemu_plugin_register_vcpu_mem_cb(instruction, on_mark, kNoRegisters, kWrites, NULL);
    } else {
      qemu_plugin_register_vcpu_mem_cb(instruction, on_access, kNoRegisters, kAccesses, NULL);
    }
  }
  if (g_n_blocks % 1024 == 0) {
    g_blocks = allocate(g_blocks, g_n_blocks + 1024, sizeof(*g_blocks));
  }
  g_blocks[g_n_blocks++] = made;
  qemu_plugin_register_vcpu_tb_exec_cb(found, on_run, kNoRegisters, made);
}

static void on_exit_of_qemu(plugin_id id, void* user) {
  (void)id;
  (void)user;
  FILE* file = fopen(g_out, "w");
  if (file == NULL) {
    fprintf(stderr, "block_trace: cannot write %s\n", g_out);
    return;
  }
  for (uint32_t i = 0; i < g_n_blocks; ++i) {
    fprintf(file, "block %" PRIx32 " %" PRIx64 " %" PRIx32 "\n", i, g_blocks[i]->address,
            g_blocks[i]->bytes);
  }
  for (uint32_t i = 0; i < g_capacity; ++i) {
    const edge* each = &g_edges[i];
    if (each->count != 0) {
      fprintf(file, "edge %" PRIx32 " %" PRIx32 " %" PRIx32 " %" PRIx64 "\n", each->section,
              each->from, each->to, each->count);
    }
  }
  for (uint32_t i = 1; i < g_marks.bytes; ++i) {
    const section_counts* each = &g_sections[i];
    if (each->misaligned | each->code_misses | each->next_misses | each->data_misses) {
      fprintf(file, "section %" PRIx32 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 "\n", i,
              each->misaligned, each->code_misses, each->next_misses, each->data_misses);
    }
  }
  fclose(file);
}

/* ---- arguments ---- */

static region parse_region(const char* text) {
  char* end;
  region found;
  found.begin = strtoull(text, &end, 16);
  found.bytes = *end == ':' ? strtoull(end + 1, NULL, 16) : 0;
  return found;
}

static uint32_t parse_lines(const char* text) {
  const unsigned long n = strtoul(text, NULL, 16);
  return n < kMaxLines ? (uint32_t)n : kMaxLines;
}

static bool parse(char* argument) {
  char* value = strchr(argument, '=');
  if (value == NULL) {
    return false;
  }
  *value++ = '\0';
  if (strcmp(argument, "out") == 0) {
    g_out = value;
  } else if (strcmp(argument, "marks") == 0) {
    g_marks = parse_region(value);
  } else if (strcmp(argument, "marker") == 0) {
    g_marker = parse_region(value);
  } else if (strcmp(argument, "flash") == 0 && g_regions < kMaxRegions) {
    g_flash[g_regions++] = parse_region(value);
  } else if (strcmp(argument, "word") == 0) {
    g_word = (uint32_t)strtoul(value, NULL, 16);
  } else if (strcmp(argument, "code_lines") == 0) {
    g_code.n = parse_lines(value);
  } else if (strcmp(argument, "data_lines") == 0) {
    g_data.n = parse_lines(value);
  } else {
    return false;
  }
  return true;
}

QEMU_EXPORT int qemu_plugin_install(plugin_id id, const void* info, int argc, char** argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    char* argument = strdup(argv[i]);
    if (argument == NULL || !parse(argument)) {
      fprintf(stderr, "block_trace: bad argument %s\n", argv[i]);
      return -1;
    }
  }
  if (g_out == NULL || g_marks.bytes == 0) {
    fprintf(stderr, "block_trace: out= and marks= are needed\n");
    return -1;
  }
  g_capacity = kFirstEdges;
  g_edges = allocate(NULL, g_capacity, sizeof(edge));
  memset(g_edges, 0, g_capacity * sizeof(edge));
  g_sections = allocate(NULL, g_marks.bytes, sizeof(section_counts));
  memset(g_sections, 0, g_marks.bytes * sizeof(section_counts));
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_block);
  qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
  return 0;
}
