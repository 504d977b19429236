/** Lockstep comparison finds a fault and makes the program that shows it short. */
import { strict as assert } from 'node:assert';
import { createEngine } from '../../src/cpu/index.ts';
import { type InsnName, insnByName } from '../../src/isa/index.ts';
import { RAM_GPA } from '../cpu/support/rig.ts';
import { type Fault, faultyEngine } from './faulty-engine.ts';
import type { Contender } from './lockstep-machine.ts';
import { type Difference, describeDifference, findDifference, type Setting } from './lockstep-programs.ts';

const good: Contender = { name: 'good', make: (config) => createEngine('interpreter', config) };
const PROGRAMS = 100;

/** The first difference that a fault makes. */
async function caught(fault: Fault, setting: Setting): Promise<Difference> {
  const bad: Contender = { name: 'bad', make: (config) => faultyEngine(config, fault) };
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const difference = await findDifference([good, bad], seed, setting);
    if (difference !== undefined) return difference;
  }
  assert.fail(`${PROGRAMS} programs did not show the fault`);
}

const text = (difference: Difference): string => difference.items.flatMap((item) => item.lines).join('\n');

describe('a fault put into a backend', function () {
  this.timeout(300_000);
  const setting: Setting = { privilege: 'machine', traps: true, every: 50 };

  /** A wrong bit in what an instruction computes. */
  const wrongBit =
    (name: InsnName): Fault =>
    (insn, state) => {
      if (insn.name === name && insn.rd !== 0) state.set('x', state.get('x', insn.rd) ^ 0x80n, insn.rd);
    };

  for (const name of ['mulhsu', 'sltu', 'rolw'] as const) {
    it(`a wrong result of ${name} is found and shown in one instruction`, async () => {
      const difference = await caught(wrongBit(name), setting);
      assert.equal(difference.items.length, 1, text(difference));
      assert.match(text(difference), new RegExp(`^${name} `));
      assert.match(
        difference.problem,
        /^round 0, within \d+ instructions:\nx\[\d+\]: good [0-9a-f_]+, bad [0-9a-f_]+$/m,
      );
      assert.match(describeDifference(difference, setting), /LOCKSTEP_SEED=\d+ LOCKSTEP_EVERY=50/);
    });
  }

  it('a lost store is found in memory, and shown in one instruction', async () => {
    const difference = await caught((insn, state, ram) => {
      if (insn.name !== 'sb') return;
      const at = Number(BigInt.asUintN(64, state.get('x', insn.rs1) + BigInt(insn.imm))) - RAM_GPA;
      ram.setUint8(at, ram.getUint8(at) ^ 1);
    }, setting);
    assert.equal(difference.items.length, 1, text(difference));
    assert.match(text(difference), /^sb /);
    assert.match(difference.problem, /memory differs at offset 0x[0-9a-f]+/);
  });

  it('a fault that takes two instructions is shown in those two', async () => {
    let loaded = false;
    const difference = await caught(
      (insn, state) => {
        if (loaded && /^sh[123]add/.test(insn.name) && insn.rd !== 0) state.set('x', 0n, insn.rd);
        loaded = insnByName[insn.name].memory?.kind === 'load';
      },
      { ...setting, every: 1 },
    );
    assert.equal(difference.items.length, 2, text(difference));
    assert.match(text(difference), /^(c\.)?f?l[bhwd][^\n]*\nsh[123]add/);
  });

  it('a flag that is not set is found', async () => {
    const difference = await caught((insn, state) => {
      if (insn.name === 'fdiv.d') state.set32('fcsr', state.get32('fcsr') & ~1);
    }, setting);
    assert.ok(difference.items.length <= 2, text(difference));
    assert.match(text(difference), /fdiv\.d/);
    assert.match(difference.problem, /fcsr\[0\]/);
  });
});
