/** Machines on different CPU backends in one process, and one of them losing its thread. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { usableEngines } from '../../src/cpu/index.ts';
import { kvmDriver } from '../../src/drivers/index.ts';
import { bareConfig, Output } from '../support/guest.ts';
import { missing } from '../support/need-tool.ts';

/** Says something in the end, after some millions of instructions over memory. */
const busy = `
    li s2, 3000000
    la s1, place
  1: ld t0, (s1)
    addi t0, t0, 1
    sd t0, (s1)
    addi s2, s2, -1
    bnez s2, 1b
    la a0, text
    call print
    j power_off
    .data
    .balign 8
  place: .dword 0
  text: .asciz "done\\n"`;

const kinds = usableEngines();

for (const one of kinds) {
  for (const other of kinds) {
    if (one === other) continue;
    describe(`machines on ${one.kind} and ${other.kind} in one process`, () => {
      before(function () {
        for (const { usable, kind, reason } of [one, other])
          if (!usable) missing(this, `CPU backend ${kind}: ${reason}`);
      });

      it(`crash alone: the one on ${one.kind} loses its thread, the other ends as it should`, async function () {
        this.timeout(20_000);
        const started = once(process, 'worker') as Promise<[Worker]>;
        const lost = kvmDriver.create({ config: bareConfig('1: j 1b'), backend: one.kind, virtio: [] });
        await lost.start();
        const [worker] = await started;
        const kept = kvmDriver.create({ config: bareConfig(busy), backend: other.kind, virtio: [] });
        const output = new Output(kept);
        await kept.start();
        await worker.terminate();
        const end = await lost.wait();
        assert.equal(end.reason, 'crashed');
        assert.match(end.detail, /thread ended/);
        assert.equal((await kept.wait()).reason, 'poweroff');
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(output.text, 'done\n');
        await Promise.all([lost.destroy(), kept.destroy()]);
      });
    });
  }
}
