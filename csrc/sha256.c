/*
** sha256.c: SHA-256 (FIPS 180-4) and HMAC with it (RFC 2104), for the signatures of pushed events.
*/
#include "fstore.h"

#include <string.h>

enum { BLOCK = 64 };

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t constants[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4, 0xAB1C5ED5,
    0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE, 0x9BDC06A7, 0xC19BF174,
    0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F, 0x4A7484AA, 0x5CB0A9DC, 0x76F988DA,
    0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7, 0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967,
    0x27B70A85, 0x2E1B2138, 0x4D2C6DFC, 0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85,
    0xA2BFE8A1, 0xA81A664B, 0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070,
    0x19A4C116, 0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7, 0xC67178F2,
};

static uint32_t rotate(uint32_t word, unsigned bits) { return word >> bits | word << (32 - bits); }

static void expand(const unsigned char block[BLOCK], uint32_t words[64]) {
  for (int i = 0; i < 16; i++) words[i] = (uint32_t)fs_load_int4((const char *)block + 4 * i);
  for (int i = 16; i < 64; i++) {
    uint32_t far = words[i - 15], near = words[i - 2];
    words[i] = words[i - 16] + (rotate(far, 7) ^ rotate(far, 18) ^ far >> 3) + words[i - 7] +
               (rotate(near, 17) ^ rotate(near, 19) ^ near >> 10);
  }
}

static void compress(uint32_t state[8], const unsigned char block[BLOCK]) {
  uint32_t words[64];
  expand(block, words);
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < 64; i++) {
    uint32_t choice = (e & f) ^ (~e & g), majority = (a & b) ^ (a & c) ^ (b & c);
    uint32_t first = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + constants[i] + words[i];
    uint32_t second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority;
    h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + second;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void fs_sha256_start(fs_sha256 *sha) {
  *sha = (fs_sha256){
      .state = {0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19}};
}

void fs_sha256_add(fs_sha256 *sha, const void *bytes, size_t length) {
  const unsigned char *next = bytes;
  while (length-- > 0) {
    sha->block[sha->total++ % BLOCK] = *next++;
    if (sha->total % BLOCK == 0) compress(sha->state, sha->block);
  }
}

void fs_sha256_finish(fs_sha256 *sha, unsigned char digest[FS_SHA256_BYTES]) {
  unsigned char bits[8];
  fs_store_int8(bits, (int64_t)(sha->total * 8));
  fs_sha256_add(sha, "\x80", 1);
  while (sha->total % BLOCK != BLOCK - sizeof bits) fs_sha256_add(sha, "", 1);
  fs_sha256_add(sha, bits, sizeof bits);
  for (int i = 0; i < 8; i++) fs_store_int4(digest + 4 * i, (int32_t)sha->state[i]);
}

/* A longer key is replaced by its digest, a shorter one is filled up with zeros. */
static void pad_key(const void *key, size_t length, unsigned char pad[BLOCK]) {
  memset(pad, 0, BLOCK);
  if (length <= BLOCK) {
    memcpy(pad, key, length);
    return;
  }
  fs_sha256 sha;
  fs_sha256_start(&sha);
  fs_sha256_add(&sha, key, length);
  fs_sha256_finish(&sha, pad);
}

static void start_padded(fs_sha256 *sha, const unsigned char key[BLOCK], unsigned char with) {
  unsigned char pad[BLOCK];
  for (int i = 0; i < BLOCK; i++) pad[i] = key[i] ^ with;
  fs_sha256_start(sha);
  fs_sha256_add(sha, pad, BLOCK);
}

void fs_hmac_sha256(const void *key, size_t key_length, const void *text, size_t length,
                    unsigned char digest[FS_SHA256_BYTES]) {
  unsigned char pad[BLOCK];
  fs_sha256 sha;
  pad_key(key, key_length, pad);
  start_padded(&sha, pad, 0x36);
  fs_sha256_add(&sha, text, length);
  fs_sha256_finish(&sha, digest);
  start_padded(&sha, pad, 0x5C);
  fs_sha256_add(&sha, digest, FS_SHA256_BYTES);
  fs_sha256_finish(&sha, digest);
}
