import { strict as assert } from 'node:assert';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import {
  Affect,
  type Connection,
  connect,
  type Domain,
  DomainLifecycle,
  DomainState,
  RunningReason,
  ShutoffReason,
} from '../../src/index.ts';
import { assetPath } from '../../src/tools/assets.ts';
import { program } from '../support/guest.ts';
import { describeBackend, record, rejects, until } from './backend-contract.ts';

const uri = 'nodevisor:///embed';
const guestElf = assetPath('guest/guest.elf');

describeBackend(uri, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'nodevisor-virt-'));
  return {
    connection: await connect(uri),
    again: (options) => connect(uri, options),
    poolPath: join(directory, 'pool'),
    os: `<kernel>${guestElf}</kernel><cmdline>shell</cmdline>`,
    domainType: 'qemu',
    hasBalloon: false,
    hotplugs: false,
    networksStart: true,
    cleanUp: async () => rmSync(directory, { recursive: true }),
  };
});

/** What is open in this process and keeps it alive, by kind; requests that will be done at once do not count. */
function resources(): string {
  const lasting = process.getActiveResourcesInfo().filter((kind) => !kind.includes('Req'));
  return lasting.sort().join(' ');
}

describe('nodevisor:///embed: machines', function () {
  this.timeout(60_000);
  let connection: Connection;
  let events: string[];
  let directory: string;
  let before: string;
  /** vCPU threads that live. */
  const workers = new Set<Worker>();
  const count = (worker: Worker) => {
    workers.add(worker);
    worker.once('exit', () => workers.delete(worker));
  };

  beforeEach(async () => {
    // From here on mocha's own timer runs, as it does in the other hook.
    await setTimeout(1);
    before = resources();
    process.on('worker', count);
    directory = mkdtempSync(join(tmpdir(), 'nodevisor-virt-'));
    connection = await connect(uri);
    events = record(connection);
  });
  afterEach(async () => {
    await connection.close();
    process.off('worker', count);
    assert.equal(workers.size, 0, 'no thread is left');
    rmSync(directory, { recursive: true });
    await until(() => resources() === before, `no handle is left: ${before} before, ${resources()} now`);
  });

  const xml = (name: string, more: { os?: string; top?: string; devices?: string; vcpus?: number } = {}) => {
    const { os = `<kernel>${guestElf}</kernel><cmdline>shell</cmdline>`, top = '', devices = '', vcpus = 1 } = more;
    return `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory><vcpu>${vcpus}</vcpu>
      <os><type arch='riscv64' machine='virt'>hvm</type>${os}</os>${top}
      <devices><console type='pty'/>${devices}</devices></domain>`;
  };
  /** A kernel that ends the machine at once, in one way or another. */
  const kernel = (routine: 'power_off' | 'reset' | 'fail') => {
    const path = join(directory, `${routine}.elf`);
    writeFileSync(path, program(`li a0, 3\n j ${routine}`, 0x8020_0000).bytes);
    return `<kernel>${path}</kernel>`;
  };
  const said = async (domain: Domain, text: string) => {
    const console = await domain.openConsole();
    console.setEncoding('utf8');
    let output = '';
    console.on('data', (chunk: string) => {
      output += chunk;
    });
    await until(() => output.includes(text), `the guest says ${text}; so far: ${output}`);
    return console;
  };
  const { SHUTDOWN, STOPPED, CRASHED, RESUMED } = DomainLifecycle;

  it('boots, suspends, resumes and destroys ten domains side by side', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `d${index}`);
    await Promise.all(
      names.map(async (name) => {
        const domain = await connection.createXML(xml(name));
        const console = await said(domain, 'guest> ');
        await domain.suspend();
        console.write('echo alive\n');
        await domain.resume();
        let answer = '';
        console.on('data', (chunk: string) => {
          answer += chunk;
        });
        await until(() => /alive[\s\S]*alive/.test(answer), `${name} answers`);
        assert.ok((await domain.getInfo()).cpuTime > 0n);
        await domain.destroy();
        console.destroy();
      }),
    );
    assert.deepEqual(await connection.listAllDomains(), []);
  });

  it('lets a user come late, and another after him', async () => {
    const domain = await connection.createXML(xml('one'));
    await setTimeout(300);
    const first = await said(domain, 'guest> ');
    first.destroy();
    const second = await domain.openConsole();
    second.setEncoding('utf8').write('echo back\n');
    let output = '';
    second.on('data', (chunk: string) => {
      output += chunk;
    });
    await until(() => /back[\s\S]*back/.test(output), 'the guest answers the second user');
    second.destroy();
  });

  it('ends as switched off when the guest switches off', async () => {
    const domain = await connection.defineXML(xml('one', { os: kernel('power_off') }));
    await domain.create();
    await until(async () => !(await domain.isActive()), 'the guest has switched off');
    assert.deepEqual(await domain.getState(), { state: DomainState.SHUTOFF, reason: ShutoffReason.SHUTDOWN });
    assert.deepEqual(events.slice(-2), [`one ${SHUTDOWN.id}/${SHUTDOWN.GUEST} id`, `one ${STOPPED.id}/0 -`]);
  });

  it('starts anew with the same id where on_poweroff says so', async () => {
    const domain = await connection.createXML(
      xml('one', { os: kernel('power_off'), top: '<on_poweroff>restart</on_poweroff>' }),
    );
    const again = `one ${RESUMED.id}/0 id`;
    await until(() => events.filter((event) => event === again).length >= 3, 'it has started twice more');
    assert.equal(await domain.getID(), domain.ref.id);
  });

  it('restarts when the guest wants to, or ends where on_reboot says so', async () => {
    let reboots = 0;
    connection.on('reboot', () => reboots++);
    const domain = await connection.createXML(xml('one', { os: kernel('reset') }));
    await until(() => reboots > 2, 'it restarts again and again');
    assert.equal((await domain.getState()).state, DomainState.RUNNING);
    const other = await connection.defineXML(
      xml('two', { os: kernel('reset'), top: '<on_reboot>destroy</on_reboot>' }),
    );
    await other.create();
    await until(async () => !(await other.isActive()), 'it ends instead');
    assert.equal((await other.getState()).reason, ShutoffReason.SHUTDOWN);
  });

  it('tells of a guest’s panic, and does as on_crash says', async () => {
    const panicked = `${CRASHED.id}/${CRASHED.PANICKED} id`;
    const domain = await connection.defineXML(xml('gone', { os: kernel('fail') }));
    await domain.create();
    await until(async () => !(await domain.isActive()), 'the domain has ended');
    assert.deepEqual(await domain.getState(), { state: DomainState.SHUTOFF, reason: ShutoffReason.CRASHED });
    assert.deepEqual(events.slice(-2), [`gone ${panicked}`, `gone ${STOPPED.id}/${STOPPED.CRASHED} -`]);
    assert.match((await domain.getMessages()).join(), /panicked/);

    const kept = await connection.createXML(xml('kept', { os: kernel('fail'), top: '<on_crash>preserve</on_crash>' }));
    await until(async () => (await kept.getState()).state === DomainState.CRASHED, 'it is kept as crashed');
    assert.equal(await kept.isActive(), true);
    await rejects(kept.suspend(), 'OPERATION_INVALID', /not running/);
    await kept.destroy();
  });

  it('calls a domain whose thread dies crashed, says why, and hurts nobody else', async () => {
    const other = await connection.createXML(xml('other'));
    const domain = await connection.defineXML(xml('one'));
    const worker = new Promise<Worker>((resolve) => process.once('worker', resolve));
    await domain.create();
    await (await worker).terminate();
    await until(async () => !(await domain.isActive()), 'the domain has ended');
    assert.deepEqual(await domain.getState(), { state: DomainState.SHUTOFF, reason: ShutoffReason.CRASHED });
    assert.equal(events.at(-1), `one ${STOPPED.id}/${STOPPED.FAILED} -`);
    assert.match((await domain.getMessages()).join(), /the domain crashed: vCPU 0/);
    assert.equal((await other.getState()).reason, RunningReason.BOOTED);
    (await said(other, 'guest> ')).destroy();
    await domain.create();
  });

  it('leaves nothing of a start that fails', async () => {
    const disk = (file: string, dev: string) =>
      `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${file}'/><target dev='${dev}' bus='virtio'/></disk>`;
    const image = join(directory, 'disk.img');
    writeFileSync(image, Buffer.alloc(65_536));
    const missing = join(directory, 'missing.img');
    const domain = await connection.defineXML(xml('one', { devices: disk(image, 'vda') + disk(missing, 'vdb') }));
    await rejects(domain.create(), 'INVALID_ARG', /missing\.img': it does not exist/);
    assert.deepEqual(await domain.getState(), { state: DomainState.SHUTOFF, reason: ShutoffReason.FAILED });
    await rejects(connection.createXML(xml('two', { os: '<kernel>/nowhere</kernel>' })), 'INVALID_ARG', /nowhere/);
    await rejects(connection.lookupByName('two'), 'NO_DOMAIN', /two/);
    // The first disk is free again.
    await domain.detachDevice(disk(missing, 'vdb'));
    await domain.create();
  });

  it('has disks from files and volumes, with numbers, and makes them larger', async () => {
    const pool = await connection.defineStoragePool({ type: 'dir', name: 'p', target: { path: directory } });
    await pool.create();
    await pool.createVolume({ name: 'vol.raw', capacity: 1_048_576 });
    const devices = `<disk type='volume' device='disk'><source pool='p' volume='vol.raw'/><target dev='vda' bus='virtio'/></disk>`;
    const domain = await connection.createXML(xml('one', { devices }));
    const console = await said(domain, 'guest> ');
    console.destroy();
    assert.equal((await domain.getBlockInfo('vda')).capacity, 1_048_576n);
    const stats = await domain.blockStats('vda');
    assert.ok(stats.rdReq >= 0n);
    assert.ok((await domain.blockStatsFlags('vda')).some(({ field }) => field === 'rd_bytes'));
    await rejects(domain.blockStats('vdz'), 'INVALID_ARG', 'invalid argument: invalid path vdz not assigned to domain');
    await domain.blockResize('vda', 2048n);
    assert.equal((await domain.getBlockInfo('vda')).capacity, 2_097_152n);
    const [record] = await connection.getAllDomainStats();
    const fields = record?.params.map(({ field }) => field) ?? [];
    for (const field of ['block.0.name', 'block.0.rd.reqs', 'block.0.capacity', 'vcpu.0.time']) {
      assert.ok(fields.includes(field), field);
    }
  });

  it('pins vCPUs for real where the host lets it', async () => {
    const { execFileSync } = await import('node:child_process');
    try {
      execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    } catch {
      const domain = await connection.createXML(xml('one'));
      await rejects(domain.pinVcpu(0, Uint8Array.of(1), Affect.LIVE), 'OPERATION_UNSUPPORTED', /taskset/);
      return;
    }
    const domain = await connection.createXML(
      xml('one', { vcpus: 2, top: "<cputune><vcpupin vcpu='1' cpuset='0'/></cputune>" }),
    );
    await domain.pinVcpu(0, Uint8Array.of(1), Affect.LIVE);
    const pinned = readdirSync('/proc/self/task').filter((tid) => {
      const output = execFileSync('taskset', ['-p', '-c', tid], { encoding: 'utf8' });
      return output.trim().endsWith(': 0');
    });
    assert.equal(pinned.length, 2);
    assert.deepEqual(
      (await domain.getVcpuPinInfo()).map((map) => map[0]),
      [1, 1],
    );
  });

  it('sends the wish to switch off over the serial port', async () => {
    const domain = await connection.createXML(xml('one'));
    const console = await said(domain, 'guest> ');
    let output = '';
    console.on('data', (chunk: string) => {
      output += chunk;
    });
    // The bundled guest has no SysRq: it takes the keys for input, and so shows them.
    await domain.shutdown();
    await until(() => output.includes('suo'), 'the three keys have come');
    console.destroy();
  });
});
