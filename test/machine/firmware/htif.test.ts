import { strict as assert } from 'node:assert';
import type { GuestMemory } from '../../../src/hypervisor/index.ts';
import { formatSignature, Htif } from '../../../src/machine/firmware/htif.ts';
import { SeededRandom, VirtError } from '../../../src/util/index.ts';
import { BufferConsole } from './sbi/buffer-console.ts';
import { guestRam, RAM_GPA } from './support.ts';

const tohost = RAM_GPA + 0x1000;
const fromhost = RAM_GPA + 0x1008;
const magic = RAM_GPA + 0x2000;

function setup(): { memory: GuestMemory; console: BufferConsole; htif: Htif } {
  const memory = guestRam(64 * 1024);
  const console = new BufferConsole();
  return { memory, console, htif: new Htif(memory, { tohost, fromhost }, console) };
}

function write64(memory: GuestMemory, gpa: number, ...values: bigint[]): void {
  memory.write(gpa, new Uint8Array(BigUint64Array.from(values.map((value) => BigInt.asUintN(64, value))).buffer));
}

function read64(memory: GuestMemory, gpa: number): bigint {
  return new DataView(memory.view(gpa, 8).slice().buffer).getBigUint64(0, true);
}

describe('Htif', () => {
  it('tells the exit code, success and failure', () => {
    const { memory, htif } = setup();
    assert.equal(htif.poll(), undefined);
    write64(memory, tohost, 1n);
    assert.deepEqual(htif.poll(), { exit: 0 });
    write64(memory, tohost, (1337n << 1n) | 1n);
    assert.deepEqual(htif.poll(), { exit: 1337 });
    assert.equal(read64(memory, tohost), 0n);
  });

  it('prints characters and acknowledges each', () => {
    const { memory, console, htif } = setup();
    for (const char of 'hi\n') {
      write64(memory, tohost, (1n << 56n) | (1n << 48n) | BigInt(char.charCodeAt(0)));
      assert.equal(htif.poll(), undefined);
      assert.equal(read64(memory, tohost), 0n);
    }
    assert.equal(console.text, 'hi\n');
  });

  it('leaves a command in place while the console is full', () => {
    const { memory, console, htif } = setup();
    console.room = 0;
    const putchar = (1n << 56n) | (1n << 48n) | 0x41n;
    write64(memory, tohost, putchar);
    htif.poll();
    assert.equal(read64(memory, tohost), putchar);
    console.room = 10;
    htif.poll();
    assert.equal(read64(memory, tohost), 0n);
    assert.equal(console.text, 'A');
  });

  it('answers a read once there is a character', () => {
    const { memory, console, htif } = setup();
    write64(memory, tohost, 1n << 56n);
    htif.poll();
    assert.equal(read64(memory, tohost), 0n);
    assert.equal(read64(memory, fromhost), 0n);
    console.feed('x');
    htif.poll();
    assert.equal(read64(memory, fromhost), (1n << 56n) | 0x178n);
  });

  it('serves write and exit through the system call proxy', () => {
    const { memory, console, htif } = setup();
    memory.write(RAM_GPA + 0x3000, Buffer.from('proxied'));
    write64(memory, magic, 64n, 1n, BigInt(RAM_GPA + 0x3000), 7n);
    write64(memory, tohost, BigInt(magic));
    assert.equal(htif.poll(), undefined);
    assert.equal(console.text, 'proxied');
    assert.deepEqual([read64(memory, magic), read64(memory, fromhost), read64(memory, tohost)], [7n, 1n, 0n]);
    write64(memory, magic, 93n, 3n);
    write64(memory, tohost, BigInt(magic));
    assert.deepEqual(htif.poll(), { exit: 3 });
  });

  it('refuses system calls it does not have, and bad arguments, as Linux would', () => {
    const { memory, htif } = setup();
    const call = (...args: bigint[]) => {
      write64(memory, magic, ...args);
      write64(memory, tohost, BigInt(magic));
      assert.equal(htif.poll(), undefined);
      return BigInt.asIntN(64, read64(memory, magic));
    };
    assert.equal(call(1024n, 0n, 0n, 0n), -38n);
    assert.equal(call(64n, 5n, BigInt(RAM_GPA), 1n), -9n);
    assert.equal(call(64n, 1n, 0x1000n, 1n), -14n);
    assert.equal(call(64n, 1n, BigInt(RAM_GPA), 1n << 40n), -14n);
    assert.equal(call(64n, 1n, BigInt(RAM_GPA), 0n), 0n);
  });

  it('outlives any rubbish in tohost', () => {
    const { memory, console, htif } = setup();
    const seed = 99;
    const random = new SeededRandom(seed);
    const bytes = new Uint8Array(8);
    for (let round = 0; round < 2000; round++) {
      random.fill(bytes);
      if (random.below(2) === 0) bytes.fill(0, 6);
      if (random.below(2) === 0) bytes[7] = random.below(3);
      memory.write(tohost, bytes);
      if (random.below(4) === 0) write64(memory, tohost, BigInt(RAM_GPA + random.below(70_000)));
      htif.poll();
      console.text = '';
    }
  });

  it('wants its symbols in RAM', () => {
    const memory = guestRam(4096);
    const console = new BufferConsole();
    for (const bad of [0x1000, RAM_GPA + 4, RAM_GPA + 4096]) {
      assert.throws(() => new Htif(memory, { tohost: bad }, console), VirtError);
    }
    assert.equal(new Htif(memory, { tohost: RAM_GPA }, console).poll(), undefined);
  });
});

describe('formatSignature', () => {
  it('prints little-endian words, one a line, padded to a whole word', () => {
    const memory = guestRam(4096);
    memory.write(RAM_GPA + 4, Uint8Array.of(0x78, 0x56, 0x34, 0x12, 0xff, 0, 0, 0, 0xab));
    const text = formatSignature(memory, { begin_signature: RAM_GPA + 4, end_signature: RAM_GPA + 13 });
    assert.equal(text, '12345678\n000000ff\n000000ab\n');
  });

  it('refuses missing symbols and ranges outside RAM', () => {
    const memory = guestRam(4096);
    const refused = (symbols: Parameters<typeof formatSignature>[1]) =>
      assert.throws(() => formatSignature(memory, symbols), VirtError);
    refused({});
    refused({ begin_signature: RAM_GPA });
    refused({ begin_signature: RAM_GPA + 8, end_signature: RAM_GPA });
    refused({ begin_signature: RAM_GPA, end_signature: RAM_GPA + 4097 });
    refused({ begin_signature: 0, end_signature: 16 });
  });
});
