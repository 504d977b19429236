import { strict as assert } from 'node:assert';
import { savedBytes, savedU32, savedU32List, savedU64, savedU64List } from '../../../src/machine/bus/saved.ts';
import { getU64, highHalf, joinU64, lowHalf, setU64 } from '../../../src/machine/bus/words.ts';

describe('saved device state', () => {
  it('gives back what was saved', () => {
    const max = (1n << 64n) - 1n;
    const state = { word: 0xffff_ffff, list: [0, 1], bytes: [0, 255], wide: String(max), wides: ['0', '7'] };
    assert.equal(savedU32(state, 'word'), 0xffff_ffff);
    assert.deepEqual(savedU32List(state, 'list', 2), [0, 1]);
    assert.deepEqual(savedBytes(state, 'bytes', 2), Uint8Array.of(0, 255));
    assert.equal(savedU64(state, 'wide'), max);
    assert.deepEqual(savedU64List(state, 'wides', 2), [0n, 7n]);
  });

  it('names the field that is missing or malformed', () => {
    for (const value of [undefined, null, -1, 0.5, 2 ** 32, '1', Number.NaN]) {
      assert.throws(() => savedU32({ a: value }, 'a'), { code: 'INVALID_ARG', data: { name: 'a' } });
    }
    assert.throws(() => savedU32List({ a: [1] }, 'a', 2), /list of 2 unsigned 32-bit numbers/);
    assert.throws(() => savedU32List({ a: [1, 'x'] }, 'a', 2), /'a'/);
    assert.throws(() => savedBytes({ a: [256] }, 'a', 2), /at most 2 bytes/);
    assert.throws(() => savedBytes({ a: [1, 2, 3] }, 'a', 2), /at most 2 bytes/);
    for (const value of [1, '', '-1', '0x10', '18446744073709551616']) {
      assert.throws(() => savedU64({ a: value }, 'a'), /'a'/);
    }
    assert.throws(() => savedU64List({ a: ['1'] }, 'a', 2), /list of 2/);
  });
});

describe('64-bit numbers in words', () => {
  it('go through halves unharmed', () => {
    const words = new Int32Array(4);
    for (const value of [
      0n,
      1n,
      0x8000_0000n,
      0xffff_ffffn,
      0x1_0000_0000n,
      (1n << 64n) - 1n,
      0x8123_4567_89ab_cdefn,
    ]) {
      setU64(words, 1, value);
      assert.equal(getU64(words, 1), value);
      assert.equal(joinU64(lowHalf(value), highHalf(value)), value);
      assert.equal(joinU64(lowHalf(value) | 0, highHalf(value) | 0), value);
    }
    setU64(words, 1, -1n);
    assert.equal(getU64(words, 1), (1n << 64n) - 1n);
  });
});
