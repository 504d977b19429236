/**
 * The same bare program on QEMU and on a CPU backend of ours. It is a user-mode program that knows two system calls of
 * Linux: write, to any descriptor, and exit. On our side it runs in S-mode, where ecall leaves the guest.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { Stop } from '../../src/cpu/index.ts';
import { HartConfig, Priv } from '../../src/isa/index.ts';
import { type MakeEngine, RAM_GPA, Rig } from '../cpu/support/rig.ts';
import { needTool } from '../support/need-tool.ts';

/** Where programs are loaded, on both sides: results may hold addresses. */
export const PROGRAM_BASE = RAM_GPA;

const QEMU = 'qemu-riscv64';
/** Linux's numbers of the system calls. */
const WRITE = 64n;
const EXIT = 93n;

const PAGE = 4096;
const OUTPUT_MAX = 1024 * 1024 * 1024;

/** An image to load at PROGRAM_BASE and to enter at `entry`, and the memory it has in all. */
export interface UserProgram {
  readonly image: Uint8Array;
  readonly entry: bigint;
  readonly memoryBytes: number;
}

/** Skips the test, visibly, without QEMU; fails it under CI. */
export function needQemu(test: Context): void {
  needTool(test, QEMU, 'qemu-user');
}

/** A static ELF with the one segment, readable, writable and executable. */
function userElf({ image, entry, memoryBytes }: UserProgram): Buffer {
  const elf = Buffer.alloc(PAGE + image.length);
  elf.write('\x7fELF\x02\x01\x01', 'latin1');
  elf.writeUInt16LE(2, 16); // ET_EXEC
  elf.writeUInt16LE(243, 18); // EM_RISCV
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(entry, 24);
  elf.writeBigUInt64LE(64n, 32);
  elf.writeUInt32LE(5, 48); // RVC, double-float ABI
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // PT_LOAD
  elf.writeUInt32LE(7, 68); // RWX
  elf.writeBigUInt64LE(BigInt(PAGE), 72);
  elf.writeBigUInt64LE(BigInt(PROGRAM_BASE), 80);
  elf.writeBigUInt64LE(BigInt(PROGRAM_BASE), 88);
  elf.writeBigUInt64LE(BigInt(image.length), 96);
  elf.writeBigUInt64LE(BigInt(memoryBytes), 104);
  elf.writeBigUInt64LE(BigInt(PAGE), 112);
  elf.set(image, PAGE);
  return elf;
}

/** Runs a program under QEMU's user mode; returns what it wrote. Throws unless it exits with 0. */
export function runOnQemu(program: UserProgram): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'nodevisor-differential-'));
  try {
    const path = join(directory, 'program');
    writeFileSync(path, userElf(program), { mode: 0o700 });
    const run = spawnSync(QEMU, ['-cpu', 'rv64', path], { maxBuffer: OUTPUT_MAX, timeout: 600_000 });
    if (run.status !== 0) {
      throw new Error(`${QEMU} ended with ${run.signal ?? run.status} after ${run.stdout.length} bytes: ${run.stderr}`);
    }
    return run.stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Runs a program on a CPU backend; returns what it wrote. Throws on a trap, and unless it exits with 0. */
export function runOnEngine(makeEngine: MakeEngine, program: UserProgram): Buffer {
  const trap = Math.ceil(program.memoryBytes / PAGE) * PAGE;
  const rig = new Rig(makeEngine, { ramBytes: trap + PAGE });
  try {
    rig.bytes.set(program.image);
    rig.load('ebreak', BigInt(RAM_GPA + trap));
    const { state, hart } = rig;
    state.set('pc', program.entry);
    state.set('mtvec', BigInt(RAM_GPA + trap));
    state.set('pmpaddr', (1n << 54n) - 1n);
    state.set('pmpcfg', 0x1fn); // NAPOT, RWX: all of memory
    state.set('mstatus', state.get('mstatus') | (1n << 13n)); // FS: initial
    state.set32('priv', Priv.S);
    state.set32('hartConfig', HartConfig.SBI_EXIT | HartConfig.EBREAK_EXIT);
    hart.invalidate();
    const written: Buffer[] = [];
    for (;;) {
      const stop = hart.run(1_000_000_000);
      if (stop !== Stop.Ecall) {
        const at = (field: 'pc' | 'mepc' | 'mcause' | 'mtval') => `${field} ${state.get(field).toString(16)}`;
        throw new Error(`stop ${stop}: ${at('pc')} ${at('mepc')} ${at('mcause')} ${at('mtval')} ${hart.faultDetail}`);
      }
      const [number, address, length] = [rig.x('a7'), Number(rig.x('a1')) - RAM_GPA, Number(rig.x('a2'))];
      if (number === EXIT && rig.x('a0') === 0n) return Buffer.concat(written);
      if (number !== WRITE) throw new Error(`system call ${number} (${rig.x('a0')})`);
      written.push(Buffer.from(rig.bytes.slice(address, address + length)));
      rig.setX('a0', BigInt(length));
      state.set('pc', state.get('pc') + 4n);
    }
  } finally {
    rig.engine.close();
  }
}

/** Assembly for write(1, from, bytes) where both are symbols or numbers; changes a0 … a2 and a7. */
export function writeCall(from: string, bytes: string): string {
  return `li a0, 1\nla a1, ${from}\nli a2, ${bytes}\nli a7, ${WRITE}\necall`;
}

/** Assembly for exit(0). */
export const exitCall = `li a0, 0\nli a7, ${EXIT}\necall`;
