/** How reference counts of one width are read and written in a block. */
export interface RefcountCodec {
  get(block: Uint8Array, index: number): number;
  set(block: Uint8Array, index: number, value: number): void;
}

/** Fewer than 8 bits: the first entry is in the lowest bits of a byte. */
function partOfByte(bits: number): RefcountCodec {
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  return {
    get: (block, index) => (block[Math.floor(index / perByte)] >>> ((index % perByte) * bits)) & mask,
    set: (block, index, value) => {
      const at = Math.floor(index / perByte);
      const shift = (index % perByte) * bits;
      block[at] = (block[at] & ~(mask << shift)) | (value << shift);
    },
  };
}

/** Whole bytes, the highest first. A count beyond 2^53 is as good as any other that large: it reads as inexact. */
function wholeBytes(bytes: number): RefcountCodec {
  return {
    get: (block, index) => {
      let value = 0;
      for (let i = 0; i < bytes; i++) value = value * 256 + block[index * bytes + i];
      return value;
    },
    set: (block, index, value) => {
      let rest = value;
      for (let i = bytes - 1; i >= 0; i--) {
        block[index * bytes + i] = rest % 256;
        rest = Math.floor(rest / 256);
      }
    },
  };
}

/** Two bytes, which nearly all images have. */
const twoBytes: RefcountCodec = {
  get: (block, index) => (block[index * 2] << 8) | block[index * 2 + 1],
  set: (block, index, value) => {
    block[index * 2] = value >>> 8;
    block[index * 2 + 1] = value & 0xff;
  },
};

/** The codec for counts of `bits` bits: 1, 2, 4, 8, 16, 32 or 64. */
export function refcountCodec(bits: number): RefcountCodec {
  if (bits < 8) return partOfByte(bits);
  return bits === 16 ? twoBytes : wholeBytes(bits / 8);
}
