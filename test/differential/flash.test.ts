import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMachine } from '../../src/index.ts';
import { SeededRandom } from '../../src/util/index.ts';
import { program } from '../support/guest.ts';
import { needTool } from '../support/need-tool.ts';

const QEMU = 'qemu-system-riscv64';
const BANK_BYTES = 32 * 2 ** 20;

/** One access to the second bank: a store has a value. */
interface Step {
  readonly off: number;
  readonly width: 1 | 2 | 4;
  readonly value?: number;
}

const load = (off: number, width: Step['width'] = 4): Step => ({ off, width });
const store = (off: number, value: number): Step => ({ off, width: 4, value });
/** A command to both chips. */
const command = (code: number, off = 0) => store(off, code * 0x1_0001);

/** Plays steps from a table (kind, offset, value) and prints what loads give, eight digits a line. */
function player(steps: readonly Step[]): string {
  const table = steps.map(({ off, width, value }) => {
    const kind = value === undefined ? { 1: 1, 2: 2, 4: 4 }[width] : 8;
    return `.word ${kind}, ${off}, ${value ?? 0}`;
  });
  return `
  la s2, table
  li s0, 0x22000000
next: lw t0, 0(s2)
  lwu t1, 4(s2)
  lwu t2, 8(s2)
  addi s2, s2, 12
  add t1, t1, s0
  li t3, 8
  beq t0, t3, do_store
  li t3, 4
  beq t0, t3, do_word
  li t3, 2
  beq t0, t3, do_half
  li t3, 1
  beq t0, t3, do_byte
  j power_off
do_store: sw t2, 0(t1)
  j next
do_word: lwu s3, 0(t1)
  j show
do_half: lhu s3, 0(t1)
  j show
do_byte: lbu s3, 0(t1)
show: li s4, 28
  li t4, UART
digit: srl t5, s3, s4
  andi t5, t5, 15
  addi t5, t5, 48
  li t6, 58
  blt t5, t6, put
  addi t5, t5, 39
put: lbu t6, 5(t4)
  andi t6, t6, 32
  beqz t6, put
  sb t5, 0(t4)
  addi s4, s4, -4
  bgez s4, digit
  li t5, 10
  sb t5, 0(t4)
  j next
 .align 3
table: ${table.join('\n ')}
 .word 0, 0, 0
 .align 3`;
}

/** Everything in turn: queries, identity, status, programming, erasing, the buffer, and the ways out of each mode. */
function directed(): Step[] {
  const query = Array.from({ length: 0x48 }, (_, i) => load(4 * i));
  const block = 0x4_0000;
  return [
    load(block),
    command(0x98, 0x154),
    ...query,
    load(0x40, 2),
    load(0x42, 2),
    load(0x41, 1),
    command(0xff),
    load(0),
    command(0x90),
    ...[0, 4, 8, 12, 0x404].map((off) => load(off)),
    command(0xf0),
    load(4),
    command(0x70),
    load(0),
    command(0x50),
    load(0),
    command(0x20, block),
    command(0xd0, block),
    load(0),
    command(0xff),
    ...[block, block + 0x3_fffc, block - 4, block + 0x4_0000].map((off) => load(off)),
    command(0x40, block + 8),
    store(block + 8, 0x1234_5678),
    load(0),
    load(0, 2),
    load(0, 1),
    command(0xff),
    load(block + 8),
    command(0xe8, block + 0x100),
    load(block),
    command(3, block + 0x100),
    ...[1, 2, 3, 4].map((n) => store(block + 0x100 + 4 * (n - 1), n * 0x0101_0101)),
    command(0xd0, block + 0x100),
    load(0),
    command(0xff),
    ...[0xfc, 0x100, 0x104, 0x108, 0x10c, 0x110].map((off) => load(block + off)),
    command(0x60),
    command(0xd0),
    load(0),
    command(0x60),
    command(0x01),
    load(0),
    command(0xff),
    load(block + 8),
  ];
}

/** Commands that do not depend on how bits that are already clear are programmed. */
function random(seed: number): Step[] {
  const source = new SeededRandom(seed);
  const steps: Step[] = [];
  for (let i = 0; i < 60; i++) {
    const off = 4 * source.below(BANK_BYTES / 4);
    steps.push(
      ...source.pick([
        // QEMU takes no other command than READ ARRAY while it answers queries.
        [command(0x98), load(4 * source.below(0x60)), command(0xff)],
        [command(0x90), load(4 * source.below(4))],
        [command(0x70), load(off)],
        [command(0x50), load(off)],
        [command(0x20, off), command(0xd0, off), load(off), command(0xff), load(off)],
        [command(0x40, off), store(off, 0), load(off), command(0xff), load(off)],
        [command(0xff), load(off), load(off, 2), load(off + 1, 1)],
        [command(0xf0), load(off)],
      ]),
    );
  }
  return [...steps, command(0xff)];
}

describe('flash beside QEMU’s', function () {
  this.timeout(120_000);
  let directory: string;

  before(function () {
    needTool(this, QEMU, 'qemu-system-misc');
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-flash-'));
  });
  after(() => {
    if (directory !== undefined) rmSync(directory, { recursive: true });
  });

  const bank = (name: string) => {
    const path = join(directory, name);
    writeFileSync(path, new Uint8Array(BANK_BYTES).fill(0xa5));
    return path;
  };

  async function compare(steps: readonly Step[]): Promise<void> {
    const kernel = program(player(steps));
    const elf = join(directory, 'player.elf');
    writeFileSync(elf, kernel.bytes);
    const [theirs, ours, code] = [bank('theirs.fd'), bank('ours.fd'), join(directory, 'code.fd')];
    writeFileSync(code, new Uint8Array(4096));
    const args = [
      '-M',
      'virt',
      '-m',
      '32M',
      '-display',
      'none',
      '-serial',
      'stdio',
      '-monitor',
      'none',
      '-bios',
      'none',
    ];
    const drive = ['-drive', `if=pflash,unit=1,format=raw,file=${theirs}`];
    const qemu = spawnSync(QEMU, [...args, ...drive, '-device', `loader,file=${elf}`], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.equal(qemu.status, 0, qemu.stderr);

    const pflash = [{ file: code, readonly: true }, { file: ours }];
    const machine = await createMachine({ firmware: 'none', kernel: elf, memory: '32M', pflash, rng: false });
    let text = '';
    machine.console.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    await machine.start();
    assert.equal((await machine.wait()).reason, 'poweroff');
    const expected = qemu.stdout.trim().split(/\s+/);
    assert.equal(expected.length, steps.filter(({ value }) => value === undefined).length);
    assert.deepEqual(text.trim().split(/\s+/), expected);
    assert.ok(readFileSync(ours).equals(readFileSync(theirs)), 'what is kept differs');
  }

  it('answers the same, command by command', () => compare(directed()));

  for (const seed of [1, 2, 3]) it(`answers the same at random (seed ${seed})`, () => compare(random(seed)));
});
