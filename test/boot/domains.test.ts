/** Many domains in one process, over and over: nothing of them is left behind, whatever they came to. */
import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Worker } from 'node:worker_threads';
import {
  type Connection,
  connect,
  type Domain,
  DomainLifecycle,
  DomainState,
  RunningReason,
  ShutoffReason,
} from '../../src/index.ts';
import { assetPath } from '../../src/tools/assets.ts';
import { NODEVISOR_NAMESPACE } from '../../src/virt/conf/index.ts';
import { forEachBackend } from '../support/backends.ts';
import { program } from '../support/guest.ts';
import { missing } from '../support/need-tool.ts';
import { record, until } from '../virt/backend-contract.ts';

const { CRASHED, STOPPED } = DomainLifecycle;
const guestElf = assetPath('guest/guest.elf');

/** What this process holds: threads, open files, and what keeps its event loop alive. */
interface Holdings {
  readonly threads: number;
  readonly files: readonly string[];
  readonly handles: readonly string[];
}

function holdings(): Holdings {
  const handles = process.getActiveResourcesInfo().filter((kind) => !kind.includes('Req'));
  if (!existsSync('/proc/self/task')) return { threads: 0, files: [], handles: handles.sort() };
  const files = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      // Numbers tell one pipe from another; which one it is matters to nobody.
      return [readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, '')];
    } catch {
      // The directory that was read, closed again.
      return [];
    }
  });
  return { threads: readdirSync('/proc/self/task').length, files: files.sort(), handles: handles.sort() };
}

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Memory that a thread had is free when the thread's end has been noticed, and its memory's owner collected. */
async function collectGarbage(): Promise<void> {
  for (let times = 0; times < 3; times++) {
    await setTimeout(20);
    gc();
  }
}

const same = (a: Holdings, b: Holdings) => JSON.stringify(a) === JSON.stringify(b);

forEachBackend((backend) => {
  describe(`many domains, on ${backend}`, function () {
    this.timeout(300_000);
    let directory: string;
    let uri: string;
    let connection: Connection;

    before(() => {
      directory = mkdtempSync(join(tmpdir(), 'nodevisor-domains-'));
      uri = `nodevisor:///embed?state=${encodeURIComponent(join(directory, 'state'))}`;
    });
    after(() => rmSync(directory, { recursive: true }));

    const xml = (name: string, { kernel = guestElf, devices = '' } = {}) =>
      `<domain type='qemu'><name>${name}</name>
        <metadata><n:machine xmlns:n='${NODEVISOR_NAMESPACE}' cpu-backend='${backend}'/></metadata>
        <memory unit='MiB'>32</memory><os><type arch='riscv64' machine='virt'>hvm</type>
        <kernel>${kernel}</kernel><cmdline>shell</cmdline></os>
        <devices><console type='pty'/>${devices}</devices></domain>`;

    /** Opens the console and waits for what the guest says; `answer` waits for more. */
    const listen = async (domain: Domain) => {
      const console = await domain.openConsole();
      let output = '';
      console.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk;
      });
      const says = (text: RegExp) => until(() => text.test(output), `${domain.name} says ${text}: ${output}`, 120);
      return { console, says, said: () => output };
    };

    const tenTogether = () =>
      Promise.all(
        Array.from({ length: 10 }, async (_, index) => {
          const domain = await connection.createXML(xml(`d${index}`));
          const { console, says, said } = await listen(domain);
          await says(/guest> /);
          await domain.suspend();
          assert.equal((await domain.getState()).state, DomainState.PAUSED);
          console.write('echo alive\n');
          await setTimeout(50);
          assert.doesNotMatch(said(), /alive/, 'a guest that stands says nothing');
          await domain.resume();
          await says(/alive[\s\S]*alive/);
          assert.ok((await domain.getInfo()).cpuTime > 0n);
          await domain.destroy();
          console.destroy();
          await assert.rejects(domain.getInfo(), { code: 'NO_DOMAIN' });
        }),
      );

    const thousand = async () => {
      for (let at = 0; at < 1000; at += 100) {
        const names = Array.from({ length: 100 }, (_, index) => `n${at + index}`);
        const domains = await Promise.all(names.map((name) => connection.defineXML(xml(name))));
        await Promise.all(domains.map((domain) => domain.undefine()));
      }
      assert.deepEqual(readdirSync(join(directory, 'state', 'domains')), []);
    };

    /** One domain is hit, another panics, a third runs on. */
    const crashes = async () => {
      const events = record(connection);
      const bystander = await connection.createXML(xml('bystander'));
      const { console, says } = await listen(bystander);
      await says(/guest> /);
      const workers: Worker[] = [];
      const note = (worker: Worker) => workers.push(worker);
      process.on('worker', note);
      const hit = await connection.defineXML(xml('hit'));
      await hit.create();
      process.off('worker', note);
      await Promise.all(workers.map((worker) => worker.terminate()));
      await until(async () => !(await hit.isActive()), 'the domain that was hit has ended');
      assert.deepEqual(await hit.getState(), { state: DomainState.SHUTOFF, reason: ShutoffReason.CRASHED });
      assert.match((await hit.getMessages()).join(), /the domain crashed: vCPU 0/);
      assert.equal(events.at(-1), `hit ${STOPPED.id}/${STOPPED.FAILED} -`);

      const kernel = join(directory, 'panic.elf');
      writeFileSync(kernel, program('li a0, 3\n j fail', 0x8020_0000).bytes);
      const panics = await connection.defineXML(xml('panics', { kernel }));
      await panics.create();
      await until(async () => !(await panics.isActive()), 'the domain that panicked has ended');
      assert.deepEqual(await panics.getState(), { state: DomainState.SHUTOFF, reason: ShutoffReason.CRASHED });
      assert.match((await panics.getMessages()).join(), /the guest panicked/);
      assert.ok(events.includes(`panics ${CRASHED.id}/${CRASHED.PANICKED} id`));

      assert.deepEqual(await bystander.getState(), { state: DomainState.RUNNING, reason: RunningReason.BOOTED });
      console.write('echo still\n');
      await says(/still[\s\S]*still/);
      console.destroy();
      for (const domain of [hit, panics]) await domain.undefine();
    };

    const failures = async () => {
      const absent = "<disk><source file='/nowhere/disk'/><target dev='vda'/></disk>";
      const wants: [string, object][] = [
        [xml('kernel', { kernel: '/nowhere/kernel' }), { code: 'INVALID_ARG' }],
        [xml('disk', { devices: absent }), { code: 'INVALID_ARG' }],
        [xml('text', { kernel: join(directory, 'text') }), { code: 'INVALID_ARG' }],
      ];
      writeFileSync(join(directory, 'text'), 'no kernel at all');
      for (const [text, error] of wants) await assert.rejects(connection.createXML(text), error);
    };

    it('leave no thread, no handle and no file', async () => {
      const round = async (work: readonly (() => Promise<unknown>)[]) => {
        connection = await connect(uri);
        try {
          for (const one of work) await one();
        } finally {
          await connection.close();
        }
      };
      // What a process has only once it has done such things: the thread pool, the compiled addon, its pipes.
      await round([tenTogether, crashes, failures]);
      let before = holdings();
      const settled = async () => {
        await setTimeout(300);
        const earlier = before;
        before = holdings();
        return same(before, earlier);
      };
      await until(settled, 'nothing more is given back');
      await round([tenTogether, thousand, crashes, failures]);
      await until(() => same(holdings(), before), 'all is given back').catch(() => {
        assert.deepEqual(holdings(), before);
      });
      const left = readdirSync(join(directory, 'state'), { recursive: true, encoding: 'utf8' });
      const kept = left.filter((name) => name.endsWith('.xml') || name.endsWith('.tmp'));
      assert.deepEqual(kept, []);
    });

    it('give their memory back', async function () {
      if (!existsSync('/proc/self/status')) missing(this, '/proc is missing');
      const cycle = async (count: number) => {
        connection = await connect(uri);
        for (let at = 0; at < count; at++) {
          const domain = await connection.createXML(xml(`m${at}`));
          await domain.destroy();
        }
        await connection.close();
      };
      const reservedKib = () => Number(/VmSize:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
      const count = process.env['NODEVISOR_TEST_FULL'] ? 100 : 20;
      await cycle(count);
      await collectGarbage();
      const before = reservedKib();
      await cycle(count);
      await collectGarbage();
      // Each had 32 MiB, and addresses for much more.
      const grown = reservedKib() - before;
      assert.ok(grown < (count / 4) * 32 * 1024, `grew by ${grown} KiB`);
    });
  });
});
