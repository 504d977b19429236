/** What machines on threads leave in their process, however they end: nothing. */
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { nativeProblem } from '../../src/cpu/index.ts';
import { type Guest, kvmDriver } from '../../src/drivers/index.ts';
import { bareConfig } from '../support/guest.ts';
import { missing } from '../support/need-tool.ts';

const MACHINES = 4;
const SETTLED_MS = 20_000;

function inventory(): { code: number; files: number; threads: number } {
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return {
    code: maps.filter((line) => line.includes('nodevisor-code')).length,
    files: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
  };
}

async function running(): Promise<Guest> {
  const config = bareConfig('1: addi a0, a0, 1\n j 1b', { vcpus: 2 });
  const guest = kvmDriver.create({ config, backend: 'native', virtio: [] });
  guest.console.resume();
  await guest.start();
  while (guest.stats().vcpus.some(({ exits }) => exits.budget === 0n) && guest.stats().wallSeconds < 0.2)
    await sleep(5);
  return guest;
}

describe('native machines in one process', function () {
  this.timeout(120_000);
  before(function () {
    if (nativeProblem() !== '') missing(this, `native CPU backend: ${nativeProblem()}`);
    if (process.platform !== 'linux') missing(this, '/proc to count from');
  });

  it('leave no thread, mapping or descriptor when they are destroyed while they run', async () => {
    await (await running()).destroy();
    await sleep(100);
    const before = inventory();
    for (let round = 0; round < 2; round++) {
      const guests = await Promise.all(Array.from({ length: MACHINES }, running));
      assert.ok(inventory().threads >= before.threads + 2 * MACHINES);
      assert.ok(guests.every((guest) => guest.state === 'running'));
      await Promise.all(guests.map((guest) => guest.destroy()));
    }
    const end = performance.now() + SETTLED_MS;
    for (;;) {
      const now = inventory();
      if (now.code <= before.code && now.files <= before.files && now.threads <= before.threads) return;
      if (performance.now() > end) assert.deepEqual(now, before);
      await sleep(20);
    }
  });
});
