import { strict as assert } from 'node:assert';
import { SeededRandom } from '../../../src/util/index.ts';
import { domain, snapshot, typedParam, typedParams } from '../../../src/virt/rpc/shapes.ts';
import { XdrError, XdrReader, XdrWriter } from '../../../src/virt/rpc/xdr.ts';
import {
  bits,
  byte,
  chars,
  double,
  fixedChars,
  flag,
  hyper,
  int,
  list,
  opaque,
  optional,
  struct,
  text,
  uhyper,
  uint,
  uuid,
  type XdrType,
} from '../../../src/virt/rpc/xdr-types.ts';

function encode<V, W>(type: XdrType<V, W>, value: W): Buffer {
  const to = new XdrWriter(1);
  type.write(to, value);
  return to.finish();
}

function decode<V, W>(type: XdrType<V, W>, hex: string): V {
  const from = new XdrReader(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  const value = type.read(from);
  assert.equal(from.left, 0);
  return value;
}

/** Both ways at once. */
function same<V, W>(type: XdrType<V, W>, value: V & W, hex: string): void {
  assert.equal(encode(type, value).toString('hex'), hex.replaceAll(' ', ''));
  assert.deepEqual(decode(type, hex), value);
}

describe('XDR', () => {
  it('writes and reads as RFC 4506 has it', () => {
    same(int, -2, 'fffffffe');
    same(uint, 4_294_967_295, 'ffffffff');
    same(hyper, -(2n ** 63n), '8000000000000000');
    same(uhyper, 2n ** 64n - 1n, 'ffffffffffffffff');
    same(double, 1.5, '3ff8000000000000');
    same(flag, true, '00000001');
    same(byte, 200, '000000c8');
    same(text, 'äb', '00000003 c3a462 00');
    same(text, '', '00000000');
    same(text, 'abcd', '00000004 61626364');
    same(opaque(8), Uint8Array.of(1, 2, 3), '00000003 010203 00');
    same(list(int, 3), [1, 2], '00000002 00000001 00000002');
    same(optional(int), undefined, '00000000');
    same(optional(int), 7, '00000001 00000007');
    same(uuid, '00112233-4455-6677-8899-aabbccddeeff', '00112233445566778899aabbccddeeff');
    same(struct({ a: int, b: optional(text) }), { a: 1 }, '00000001 00000000');
    same(struct({ a: int, b: optional(text) }), { a: 1, b: '' }, '00000001 00000001 00000000');
  });

  it('gives each char four bytes, and text in them its zero', () => {
    same(chars(16), 'no', '00000003 0000006e 0000006f 00000000');
    same(fixedChars(4), 'rv', '00000072 00000076 00000000 00000000');
    assert.equal(encode(fixedChars(3), 'long').length, 12);
    assert.equal(decode(fixedChars(3), '00000061 00000062 00000063'), 'ab');
    // Chars may be signed.
    assert.equal(decode(chars(4), '00000002 ffffffe4 00000061'), 'äa');
  });

  it('writes and reads typed parameters of each kind', () => {
    same(typedParam, { field: 'a', type: 'int', value: -1 }, '00000001 61000000 00000001 ffffffff');
    same(typedParam, { field: 'a', type: 'ullong', value: 1n }, '00000001 61000000 00000004 0000000000000001');
    same(typedParam, { field: 'a', type: 'boolean', value: true }, '00000001 61000000 00000006 00000001');
    same(typedParam, { field: 'a', type: 'string', value: 'b' }, '00000001 61000000 00000007 00000001 62000000');
    assert.throws(() => decode(typedParam, '00000001 61000000 00000000 00000000'), XdrError);
    assert.throws(() => decode(typedParam, '00000001 61000000 00000008 00000000'), XdrError);
  });

  it('writes text alike whether it is short or long, plain or not', () => {
    for (const value of [
      '',
      'a',
      'abc',
      'x'.repeat(63),
      'x'.repeat(64),
      'x'.repeat(65),
      'ab\x7f',
      'abä',
      'ä',
      'a\ud800',
    ]) {
      const bytes = Buffer.from(value);
      const padding = Buffer.alloc(-bytes.length & 3);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      assert.deepEqual(encode(text, value), Buffer.concat([length, bytes, padding]), JSON.stringify(value));
      assert.throws(() => encode(text, `${value}\0`), XdrError);
    }
  });

  it('uses a writer again without a trace of what it wrote before, and keeps no large buffer', () => {
    const to = new XdrWriter(1);
    text.write(to, 'x'.repeat(100_000));
    const first = to.take();
    assert.equal(to.length, 0);
    text.write(to, 'ab');
    const second = to.take();
    text.write(to, 'cdefg');
    to.clear();
    text.write(to, 'h');
    assert.equal(first.length, 100_004);
    assert.equal(second.toString('hex'), '0000000261620000');
    assert.equal(to.take().toString('hex'), '0000000168000000');
  });

  it('takes a UUID in either case and nothing that only looks like one', () => {
    const good = '00112233-4455-6677-8899-AABBCCDDEEFF';
    assert.equal(encode(uuid, good).toString('hex'), '00112233445566778899aabbccddeeff');
    for (const [at, character] of [
      [0, 'g'],
      [35, '-'],
      [8, '0'],
      [23, '_'],
      [10, '\u0131'],
      [10, '@'],
      [10, ':'],
    ] as const) {
      const bad = good.slice(0, at) + character + good.slice(at + 1);
      assert.throws(() => encode(uuid, bad), XdrError, bad);
    }
    assert.throws(() => encode(uuid, good.slice(1)), XdrError);
    assert.throws(() => encode(uuid, `${good}0`), XdrError);
  });

  it('refuses values that their types have no room for', () => {
    assert.throws(() => encode(int, 2 ** 31), XdrError);
    assert.throws(() => encode(int, 1.5), XdrError);
    assert.throws(() => encode(uint, -1), XdrError);
    assert.throws(() => encode(byte, 256), XdrError);
    assert.throws(() => encode(hyper, 2n ** 63n), XdrError);
    assert.throws(() => encode(uhyper, -1n), XdrError);
    assert.throws(() => encode(text, 'a\0b'), XdrError);
    assert.throws(() => encode(text, 'x'.repeat(4 * 1024 * 1024 + 1)), XdrError);
    assert.throws(() => encode(opaque(2), new Uint8Array(3)), XdrError);
    assert.throws(() => encode(list(int, 1), [1, 2]), XdrError);
    assert.throws(() => encode(chars(3), 'abc'), XdrError);
    assert.throws(() => encode(uuid, 'no'), XdrError);
  });

  it('takes bits with the highest set however JavaScript has them', () => {
    assert.equal(encode(bits, 1 << 31).toString('hex'), '80000000');
    assert.equal(encode(bits, 2 ** 31).toString('hex'), '80000000');
    assert.throws(() => encode(bits, 2 ** 32), XdrError);
  });

  it('refuses bytes that are no value', () => {
    assert.throws(() => decode(int, '000000'), XdrError);
    assert.throws(() => decode(text, '00000005 61626364'), XdrError);
    assert.throws(() => decode(text, 'ffffffff'), XdrError);
    assert.throws(() => decode(text, '00000001 00000000'), XdrError);
    assert.throws(() => decode(opaque(2), '00000003 01020300'), XdrError);
    assert.throws(() => decode(optional(int), '00000002 00000000'), XdrError);
    assert.throws(() => decode(byte, '00000100'), XdrError);
    assert.throws(() => decode(chars(8), '00000003 00000061'), XdrError);
  });

  it('makes nothing of a list before there are bytes for it', () => {
    const huge = list(domain, 16_384);
    assert.throws(() => decode(huge, '00004000'), /list of 16384 in 0 bytes/);
    assert.throws(() => decode(huge, '00004001'), /16384 are the most/);
    assert.throws(() => decode(typedParams(262_144), '00040000 00000000'), XdrError);
  });

  it('brings random values back as they were', () => {
    const seed = Number(process.env['SEED'] ?? Date.now() & 0xffff);
    const random = new SeededRandom(seed);
    const word = () => Array.from({ length: random.below(9) }, () => random.pick([...'abcäß/"<€😀'])).join('');
    const wide = () => (BigInt(random.u32()) << 32n) | BigInt(random.u32());
    const id = () => {
      const hex = Array.from({ length: 32 }, () => random.below(16).toString(16)).join('');
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    };
    const type = list(
      struct({ snapshot, n: hyper, u: uhyper, o: optional(list(text, 9)), raw: opaque(64), yes: flag }),
      16,
    );
    for (let round = 0; round < 200; round++) {
      const value = Array.from({ length: random.below(16) }, () => {
        const words = Array.from({ length: random.below(9) }, word);
        const raw = new Uint8Array(random.below(65));
        random.fill(raw);
        return {
          snapshot: { name: word(), domain: { name: word(), uuid: id(), id: random.u32() | 0 } },
          n: BigInt.asIntN(64, wide()),
          u: wide(),
          ...(random.below(2) === 0 ? {} : { o: words }),
          raw,
          yes: random.below(2) === 0,
        };
      });
      const bytes = encode(type, value);
      assert.equal(bytes.length % 4, 0);
      const from = new XdrReader(bytes);
      assert.deepEqual(type.read(from), value, `seed ${seed}`);
      assert.equal(from.left, 0);
    }
  });
});
