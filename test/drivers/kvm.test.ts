import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { kvmDriver, prepareVcpuThread } from '../../src/drivers/index.ts';
import { forEachBackend } from '../support/backends.ts';
import { bareConfig, Output } from '../support/guest.ts';
import { missing } from '../support/need-tool.ts';
import { describeDriver } from './contract.ts';

forEachBackend((backend) => describeDriver(kvmDriver, 'host', backend));

describe('driver kvm: threads', () => {
  it('takes the thread that was prepared for the first vCPU, new ones for others, and the same again later', async () => {
    for (let round = 0; round < 2; round++) {
      await prepareVcpuThread();
      await prepareVcpuThread();
      const guest = kvmDriver.create({
        config: bareConfig('csrr t0, mhartid\n li t1, 1\n bne t0, t1, 1f\n j power_off\n1: j 1b', { vcpus: 2 }),
        backend: 'interpreter',
        virtio: [],
      });
      await guest.start();
      assert.equal((await guest.wait()).reason, 'poweroff');
      await guest.destroy();
    }
  });

  it('starts a vCPU on a thread of its own when the prepared one has died', async () => {
    const started = once(process, 'worker') as Promise<[Worker]>;
    await prepareVcpuThread();
    const [worker] = await started;
    await worker.terminate();
    const guest = kvmDriver.create({ config: bareConfig('j power_off'), backend: 'interpreter', virtio: [] });
    await guest.start();
    assert.equal((await guest.wait()).reason, 'poweroff');
  });

  it('runs vCPUs in parallel: harts that wait for each other get on', async () => {
    // Two harts hand a token to and fro 2000 times by plain loads and stores and fences.
    const guest = kvmDriver.create({
      config: bareConfig(
        `csrr s0, mhartid
         la s1, token
         li s2, 2000
        1: lw t0, (s1)
         fence r, rw
         bne t0, s0, 1b
         xori t0, t0, 1
         fence rw, w
         sw t0, (s1)
         addi s2, s2, -1
         bnez s2, 1b
         beqz s0, 2f
         j power_off
        2: j 2b
         .data
         .balign 8
        token: .word 0`,
        { vcpus: 2 },
      ),
      backend: 'interpreter',
      virtio: [],
    });
    await guest.start();
    assert.equal((await guest.wait()).reason, 'poweroff');
    const { vcpus } = guest.stats();
    assert.ok(vcpus.every(({ instructions }) => instructions > 16_000n));
  });

  it('adds atomically from all vCPUs', async () => {
    const guest = kvmDriver.create({
      config: bareConfig(
        `la s1, sum
         li s2, 20000
         li t0, 1
        1: amoadd.d zero, t0, (s1)
         addi s2, s2, -1
         bnez s2, 1b
         addi s1, s1, 8
         amoadd.d zero, t0, (s1)
         csrr t0, mhartid
         bnez t0, 4f
        3: ld t0, (s1)
         li t1, 4
         bne t0, t1, 3b
         ld a0, -8(s1)
         li t0, 80000
         bne a0, t0, fail
         j power_off
        4: j 4b
         .data
         .balign 64
        sum: .dword 0, 0`,
        { vcpus: 4 },
      ),
      backend: 'interpreter',
      virtio: [],
    });
    await guest.start();
    assert.equal((await guest.wait()).reason, 'poweroff');
  });

  it('tells the CPU time of each thread', async function () {
    if (process.platform !== 'linux') missing(this, 'only Linux tells the CPU time of a thread');
    const guest = kvmDriver.create({
      config: bareConfig(
        'csrr t0, mhartid\n beqz t0, 2f\n1: wfi\n j 1b\n2: la a0, text\n call print\n3: j 3b\n .data\ntext: .asciz "on\\n"',
        { vcpus: 2 },
      ),
      backend: 'interpreter',
      virtio: [],
    });
    const output = new Output(guest);
    await guest.start();
    await output.until(guest, 'on');
    const [before] = guest.stats().vcpus;
    while (guest.stats().vcpus[0].cpuSeconds < before.cpuSeconds + 0.01) await new Promise((r) => setTimeout(r, 5));
    assert.equal(before.cpuSource, 'thread');
    await guest.destroy();
    assert.ok(guest.stats().vcpus[0].cpuSeconds > before.cpuSeconds);
  });

  it('keeps two machines in one process apart', async () => {
    const source = (text: string) => `la a0, text\n call print\n j power_off\n .data\ntext: .asciz "${text}\\n"`;
    const guests = ['one', 'two'].map((text) =>
      kvmDriver.create({ config: bareConfig(source(text)), backend: 'interpreter', virtio: [] }),
    );
    const outputs = guests.map((guest) => new Output(guest));
    await Promise.all(guests.map((guest) => guest.start()));
    await Promise.all(guests.map((guest) => guest.wait()));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      outputs.map(({ text }) => text),
      ['one\n', 'two\n'],
    );
  });
});
