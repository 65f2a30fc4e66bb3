/*
** sha1.c: SHA-1 (FIPS 180-4), for UUID version 5 only.
*/
#include "fstore.h"

#include <string.h>

static uint32_t rotate(uint32_t word, unsigned bits) { return word << bits | word >> (32 - bits); }

static void expand(const unsigned char block[64], uint32_t words[80]) {
  for (int i = 0; i < 16; i++) words[i] = (uint32_t)fs_load_int4((const char *)block + 4 * i);
  for (int i = 16; i < 80; i++) words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
}

static uint32_t mix(int round, uint32_t b, uint32_t c, uint32_t d) {
  switch (round / 20) {
    case 0: return ((b & c) | (~b & d)) + 0x5A827999;
    case 1: return (b ^ c ^ d) + 0x6ED9EBA1;
    case 2: return ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC;
    default: return (b ^ c ^ d) + 0xCA62C1D6;
  }
}

static void compress(uint32_t state[5], const unsigned char block[64]) {
  uint32_t words[80];
  expand(block, words);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int i = 0; i < 80; i++) {
    uint32_t next = rotate(a, 5) + mix(i, b, c, d) + e + words[i];
    e = d, d = c, c = rotate(b, 30), b = a, a = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

void fs_sha1_start(fs_sha1 *sha) {
  *sha = (fs_sha1){.state = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}};
}

void fs_sha1_add(fs_sha1 *sha, const void *bytes, size_t length) {
  const unsigned char *next = bytes;
  while (length-- > 0) {
    sha->block[sha->total++ % 64] = *next++;
    if (sha->total % 64 == 0) compress(sha->state, sha->block);
  }
}

void fs_sha1_finish(fs_sha1 *sha, unsigned char digest[FS_SHA1_BYTES]) {
  unsigned char bits[8];
  fs_store_int8(bits, (int64_t)(sha->total * 8));
  fs_sha1_add(sha, "\x80", 1);
  while (sha->total % 64 != 56) fs_sha1_add(sha, "", 1);
  fs_sha1_add(sha, bits, sizeof bits);
  for (int i = 0; i < 5; i++) fs_store_int4(digest + 4 * i, (int32_t)sha->state[i]);
}
