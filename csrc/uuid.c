/*
** uuid.c: UUIDs of versions 4, 5 and 7 (RFC 9562).
*/
#define _GNU_SOURCE
#include "fstore.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* One more than the digit says; 0: no digit. */
static const unsigned char hex_digits[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static bool is_behind_dash(size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

/* Reads the canonical form, 8-4-4-4-12 in any case, and no other. */
bool fs_uuid_parse(const char *text, size_t length, unsigned char uuid[FS_UUID_BYTES]) {
  if (length != FS_UUID_TEXT) return false;
  for (size_t i = 0; i < FS_UUID_BYTES; i++, text += 2) {
    if (is_behind_dash(i) && *text++ != '-') return false;
    unsigned high = hex_digits[(unsigned char)text[0]], low = hex_digits[(unsigned char)text[1]];
    if (high == 0 || low == 0) return false;
    uuid[i] = (unsigned char)((high - 1) << 4 | (low - 1));
  }
  return true;
}

void fs_uuid_format(const unsigned char uuid[FS_UUID_BYTES], char text[FS_UUID_TEXT]) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < FS_UUID_BYTES; i++) {
    if (is_behind_dash(i)) *text++ = '-';
    *text++ = digits[uuid[i] >> 4];
    *text++ = digits[uuid[i] & 15];
  }
}

static void stamp(unsigned char uuid[FS_UUID_BYTES], unsigned version) {
  uuid[6] = (unsigned char)(version << 4 | (uuid[6] & 0x0F));
  uuid[8] = (unsigned char)(0x80 | (uuid[8] & 0x3F));
}

static bool random_bytes(unsigned char *bytes, size_t length) {
  while (length > 0) {
    ssize_t got = getrandom(bytes, length, 0);
    if (got < 0 && errno != EINTR) return false;
    if (got > 0) bytes += got, length -= (size_t)got;
  }
  return true;
}

/* False when the system has no randomness to give. */
bool fs_uuid_v4(unsigned char uuid[FS_UUID_BYTES]) {
  if (!random_bytes(uuid, FS_UUID_BYTES)) return false;
  stamp(uuid, 4);
  return true;
}

void fs_uuid_v5(const unsigned char space[FS_UUID_BYTES], const char *name, size_t length,
                unsigned char uuid[FS_UUID_BYTES]) {
  fs_sha1 sha;
  unsigned char digest[FS_SHA1_BYTES];
  fs_sha1_start(&sha);
  fs_sha1_add(&sha, space, FS_UUID_BYTES);
  fs_sha1_add(&sha, name, length);
  fs_sha1_finish(&sha, digest);
  memcpy(uuid, digest, FS_UUID_BYTES);
  stamp(uuid, 5);
}

static uint64_t unix_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/*
** Rising within a thread, even inside one millisecond and when the clock steps back: the 12 bits after the version are
** a counter (RFC 9562, section 6.2, method 1) that starts at a random place in its lower half; when it runs over, the
** next millisecond is borrowed.
*/
bool fs_uuid_v7(unsigned char uuid[FS_UUID_BYTES]) {
  static _Thread_local uint64_t last; /* milliseconds << 12 | counter */
  unsigned char bytes[FS_UUID_BYTES];
  if (!random_bytes(bytes, sizeof bytes)) return false;
  uint64_t fresh = unix_milliseconds() << 12 | ((uint64_t)(bytes[6] & 0x07) << 8 | bytes[7]);
  last = fresh >> 12 > last >> 12 ? fresh : last + 1;
  memcpy(uuid, bytes, FS_UUID_BYTES);
  for (int i = 0; i < 6; i++) uuid[i] = (unsigned char)(last >> (52 - 8 * i));
  uuid[6] = (unsigned char)(last >> 8 & 0x0F);
  uuid[7] = (unsigned char)last;
  stamp(uuid, 7);
  return true;
}
