/*
** buffer.c: growing bytes, and PostgreSQL's binary forms of numbers and arrays.
*/
#define _DEFAULT_SOURCE
#include "fstore.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

void fs_store_int4(unsigned char *bytes, int32_t value) {
  uint32_t bits = htobe32((uint32_t)value);
  memcpy(bytes, &bits, sizeof bits);
}

void fs_store_int8(unsigned char *bytes, int64_t value) {
  uint64_t bits = htobe64((uint64_t)value);
  memcpy(bytes, &bits, sizeof bits);
}

int32_t fs_load_int4(const char *bytes) {
  uint32_t bits;
  memcpy(&bits, bytes, sizeof bits);
  return (int32_t)be32toh(bits);
}

int64_t fs_load_int8(const char *bytes) {
  uint64_t bits;
  memcpy(&bits, bytes, sizeof bits);
  return (int64_t)be64toh(bits);
}

/* Makes room for some bytes more; false, and the buffer failed, when there is no memory. */
bool fs_reserve(fs_buffer *buffer, size_t more) {
  if (buffer->failed || more > SIZE_MAX / 2 - buffer->used) return !(buffer->failed = true);
  if (buffer->used + more <= buffer->size) return true;
  size_t size = buffer->size < 512 ? 1024 : buffer->size * 2;
  while (size < buffer->used + more) size *= 2;
  char *data = realloc(buffer->data, size);
  if (data == NULL) return !(buffer->failed = true);
  buffer->data = data;
  buffer->size = size;
  return true;
}

void fs_buffer_free(fs_buffer *buffer) {
  free(buffer->data);
  *buffer = (fs_buffer){0};
}

static void put_int4(fs_buffer *buffer, int32_t value) {
  unsigned char bytes[4];
  fs_store_int4(bytes, value);
  fs_put(buffer, bytes, sizeof bytes);
}

/* The length that comes before an element. */
static void put_length(fs_buffer *buffer, size_t length) {
  if (length > INT32_MAX) buffer->failed = true;
  put_int4(buffer, (int32_t)length);
}

/* The head of an array of one dimension; its n elements follow. */
void fs_put_array(fs_buffer *buffer, Oid element_type, size_t n) {
  put_int4(buffer, n > 0);
  put_int4(buffer, 1); /* elements may be null */
  put_int4(buffer, (int32_t)element_type);
  if (n == 0) return;
  put_length(buffer, n);
  put_int4(buffer, 1);
}

void fs_put_null(fs_buffer *buffer) { put_int4(buffer, -1); }

void fs_put_item(fs_buffer *buffer, const void *bytes, size_t length) {
  put_length(buffer, length);
  fs_put(buffer, bytes, length);
}

void fs_put_jsonb(fs_buffer *buffer, const char *text, size_t length) {
  put_length(buffer, length + 1);
  fs_put(buffer, "\1", 1);
  fs_put(buffer, text, length);
}

void fs_put_int8(fs_buffer *buffer, int64_t value) {
  unsigned char bytes[8];
  fs_store_int8(bytes, value);
  fs_put_item(buffer, bytes, sizeof bytes);
}

void fs_put_bool(fs_buffer *buffer, bool value) { fs_put_item(buffer, value ? "\1" : "\0", 1); }
