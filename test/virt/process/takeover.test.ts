import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  Affect,
  type Domain,
  DomainState,
  DomainXml,
  MachineHost,
  PausedReason,
  RunningReason,
  ShutoffReason,
} from '../../../src/virt/index.ts';
import { program } from '../../support/guest.ts';
import { record, rejects, until } from '../backend-contract.ts';
import { domainXml, HostBench, Listener, processesWith } from './bench.ts';

/** Waits until a process has gone. */
async function gone(pid: number): Promise<void> {
  await until(() => !processesWith('/').includes(pid), `process ${pid} has gone`);
}

describe('machines that outlive their host', function () {
  this.timeout(60_000);
  let bench: HostBench;

  beforeEach(async () => {
    bench = new HostBench();
    await bench.open();
  });
  afterEach(async () => {
    for (const domain of await bench.connection.listAllDomains()) if (await domain.isActive()) await domain.destroy();
    await bench.nothingLeft();
    await bench.close();
  });

  /** The next host, while the machines go on. */
  async function next(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    await bench.leave();
    await meanwhile();
    await bench.open();
  }
  const found = (name: string): Promise<Domain> => bench.connection.lookupByName(name);

  it('go on with their ids, definitions, states and consoles', async () => {
    const first = await bench.connection.defineXML(
      domainXml('first', { devices: "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>" }),
    );
    await first.create();
    await first.setMetadata(1, 'a title', undefined, undefined, Affect.LIVE);
    const second = await bench.connection.createXML(domainXml('second'));
    await second.suspend();
    const console = await Listener.on(first);
    await console.heard('guest> ');
    console.stream.write('echo before\n');
    await console.heard('\nbefore');
    console.stream.destroy();
    await setTimeout(50);
    const pids = bench.pids();
    const before = [await first.getXMLDesc(DomainXml.SECURE), await second.getXMLDesc()];
    await next(async () => {
      assert.deepEqual(bench.leftOver().processes.length, 2);
    });
    assert.deepEqual(bench.pids(), pids);
    const again = [await found('first'), await found('second')] as const;
    assert.deepEqual([await again[0].getXMLDesc(DomainXml.SECURE), await again[1].getXMLDesc()], before);
    assert.equal(await again[0].getMetadata(1), 'a title');
    assert.deepEqual(
      again.map(({ ref }) => ref.id),
      [first.ref.id, second.ref.id],
    );
    assert.deepEqual(await again[0].getState(), { state: DomainState.RUNNING, reason: RunningReason.BOOTED });
    assert.deepEqual(await again[1].getState(), { state: DomainState.PAUSED, reason: PausedReason.USER });
    assert.deepEqual([await again[0].isPersistent(), await again[1].isPersistent()], [true, false]);
    const later = await Listener.on(again[0]);
    later.stream.write('echo after\n');
    await later.heard('\nafter');
    await again[1].resume();
    await (await Listener.on(again[1])).heard('guest> ');
    const third = await bench.connection.createXML(domainXml('third'));
    assert.ok(third.ref.id > second.ref.id);
    const events = record(bench.connection);
    later.stream.write('poweroff\n');
    await until(async () => !(await again[0].isActive()), 'it switched off');
    assert.equal(events.length, 2);
  });

  it('keep what they print between two hosts, and what a reader had not got', async () => {
    const domain = await bench.connection.createXML(domainXml('one'));
    const console = await Listener.on(domain);
    await console.heard('guest> ');
    console.stream.write('run count &\n');
    await console.heard('\n');
    await next(() => setTimeout(300));
    const later = await Listener.on(await found('one'));
    later.stream.write('echo still here\n');
    await later.heard('\nstill here');
  });

  it('that switched off meanwhile are off, and say so', async () => {
    const path = join(bench.directory, 'later.elf');
    // A second of ticks, and off.
    const source = `
  rdtime s0
  li s1, 10000000
  add s1, s0, s1
1:
  rdtime s0
  blt s0, s1, 1b
  j power_off`;
    writeFileSync(path, program(source, 0x8020_0000).bytes);
    const domain = await bench.connection.defineXML(domainXml('one', { os: `<kernel>${path}</kernel>` }));
    await domain.create();
    const [pid = 0] = bench.pids();
    await next(() => gone(pid));
    const state = await (await found('one')).getState();
    assert.deepEqual(state, { state: DomainState.SHUTOFF, reason: ShutoffReason.SHUTDOWN });
  });

  it('that were killed meanwhile have crashed, and say why', async () => {
    const domain = await bench.connection.defineXML(domainXml('kept'));
    await domain.create();
    await bench.connection.createXML(domainXml('fleeting'));
    const pids = bench.pids();
    await next(async () => {
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      await Promise.all(pids.map(gone));
    });
    const kept = await found('kept');
    assert.deepEqual(await kept.getState(), { state: DomainState.SHUTOFF, reason: ShutoffReason.CRASHED });
    assert.match((await kept.getMessages()).join(), /its process \d+ went while no daemon ran/);
    await rejects(found('fleeting'), 'NO_DOMAIN', /fleeting/);
    assert.ok(bench.logged.some((line) => line.includes("domain 'fleeting' crashed")));
    await kept.create();
  });

  it('start again when they ended meanwhile and their definition says so', async () => {
    const top = '<on_poweroff>restart</on_poweroff>';
    const domain = await bench.connection.createXML(domainXml('again', { top }));
    const [pid = 0] = bench.pids();
    const console = await Listener.on(domain);
    await console.heard('guest> ');
    await next(async () => {
      process.kill(pid, 'SIGSTOP');
      process.kill(pid, 'SIGCONT');
    });
    const later = await Listener.on(await found('again'));
    later.stream.write('poweroff\n');
    await until(() => bench.pids()[0] !== pid, 'it has another process');
    assert.equal(await (await found('again')).isActive(), true);
  });

  it('are not mistaken for a process that got the number of theirs', async () => {
    const domain = await bench.connection.defineXML(domainXml('one'));
    await domain.create();
    const [pid = 0] = bench.pids();
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    await next(async () => {
      process.kill(pid, 'SIGKILL');
      await gone(pid);
      const file = join(bench.state, 'run', bench.files().find((name) => name.endsWith('.json')) ?? '');
      const run = JSON.parse(readFileSync(file, 'utf8')) as { process: { pid: number } };
      run.process.pid = stranger.pid ?? 0;
      writeFileSync(file, JSON.stringify(run));
    });
    assert.equal(await (await found('one')).isActive(), false);
    assert.equal(stranger.exitCode, null, 'the stranger lives');
    stranger.kill('SIGKILL');
  });

  it('that belong to no domain are ended, and files that cannot be read are passed over', async () => {
    await bench.connection.createXML(domainXml('lost'));
    await bench.connection.createXML(domainXml('kept'));
    const [, pid = 0] = bench.pids();
    await next(async () => {
      const files = bench.files().filter((name) => name.endsWith('.json'));
      for (const file of files) {
        const path = join(bench.state, 'run', file);
        if (JSON.parse(readFileSync(path, 'utf8')).name === 'lost') writeFileSync(path, '{"version":1,"uuid":');
      }
      writeFileSync(join(bench.state, 'run', 'notes.txt'), 'not ours');
      writeFileSync(join(bench.state, 'run', '.half.new'), 'unfinished');
    });
    assert.deepEqual(
      (await bench.connection.listAllDomains()).map(({ name }) => name),
      ['kept'],
    );
    assert.equal(bench.leftOver().processes.length, 1);
    assert.ok(bench.logged.some((line) => /cannot be read/.test(line)));
    assert.ok(bench.logged.some((line) => /belongs to no domain/.test(line)));
    assert.ok(!bench.files().includes('.half.new'));
    assert.ok(pid > 0);
    rmSync(join(bench.state, 'run', 'notes.txt'));
  });

  it('in another version of the protocol are ended, with a reason', async () => {
    const domain = await bench.connection.defineXML(domainXml('one'));
    await domain.create();
    const [pid = 0] = bench.pids();
    const socket = join(bench.state, 'run', bench.files().find((name) => name.endsWith('.sock')) ?? '');
    let server: ReturnType<typeof createServer> | undefined;
    await next(async () => {
      rmSync(socket);
      // In its place one that answers in words of its own.
      server = createServer((client) => client.end('220 smtp ready\r\n'));
      await new Promise<void>((resolve) => server?.listen(socket, resolve));
    });
    server?.close();
    const one = await found('one');
    assert.deepEqual(await one.getState(), { state: DomainState.SHUTOFF, reason: ShutoffReason.CRASHED });
    assert.match((await one.getMessages()).join(), /was ended/);
    await gone(pid);
  });

  it('are refused to a second host on the same directory', async () => {
    await bench.connection.createXML(domainXml('one'));
    const { state, logger } = bench;
    await assert.rejects(MachineHost.open({ state, logger, keepSpare: false }), { code: 'RESOURCE_BUSY' });
    await (await Listener.on(await found('one'))).heard('guest> ');
  });

  it('may live in a directory with a very long name', async () => {
    const deep = new HostBench('d'.repeat(120));
    const connection = await deep.open();
    const domain = await connection.createXML(domainXml('one'));
    await deep.leave();
    await (await deep.open()).lookupByUUID(domain.uuid);
    await (await Listener.on(await deep.connection.lookupByName('one'))).heard('guest> ');
    await deep.close();
    assert.deepEqual(deep.leftOver().processes, []);
  });
});
