/** Events of Debian's libvirtd, as virsh and our commands tell them of the same machines. */
import { strict as assert } from 'node:assert';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { dirname, join } from 'node:path';
import { type Connection, connect, type Domain } from '../../src/index.ts';
import { needTool } from '../support/need-tool.ts';
import { type Running, startCli } from '../tools/cli/support.ts';
import { until } from '../virt/contract/bench.ts';
import { LibvirtDaemon } from '../virt/rpc/clients/libvirt-daemon.ts';

const NOBODY = 65_534;
/** QEMU's virtio disk and what it is backed by: a cluster far behind the start is in the upper one alone. */
const xml = (disk: string) => `<domain type='qemu'><name>e</name><memory unit='MiB'>64</memory>
  <os><type arch='riscv64' machine='virt'>hvm</type></os><devices>
  <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${disk}'/>
    <target dev='vda' bus='virtio'/></disk>
  <controller type='scsi' model='virtio-scsi'/>
  <disk type='file' device='cdrom'><source file='${join(dirname(disk), 'cd.img')}'/><target dev='sda' bus='scsi'/></disk>
  <graphics type='vnc' port='-1' listen='127.0.0.1'/><video><model type='none'/></video></devices></domain>`;
const secretUuid = '0a81f5b2-8403-7b23-c8d6-21ccc2f80d6f';
const secretXml = `<secret ephemeral='no' private='no'><uuid>${secretUuid}</uuid><usage type='ceph'><name>c</name></usage></secret>`;

/** Virsh and our command, listening to the same. */
class Listeners {
  readonly #virsh: ChildProcess;
  readonly #ours: Running;
  #heard = '';

  constructor(uri: string, ...words: readonly string[]) {
    const all = ['-c', uri, ...words, '--loop', '--timeout', '120'];
    this.#virsh = spawn('virsh', all, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#virsh.stdout?.on('data', (bytes: Buffer) => {
      this.#heard += bytes.toString();
    });
    this.#ours = startCli(all);
  }

  get texts(): readonly [real: string, ours: string] {
    return [this.#heard, this.#ours.output()];
  }

  /** Waits until both have told of something. */
  both(what: RegExp): Promise<void> {
    return until(() => this.texts.every((text) => what.test(text)), `both tell of ${what}`);
  }

  async end(): Promise<readonly [real: string, ours: string]> {
    const ended = new Promise((resolve) => this.#virsh.once('exit', resolve));
    this.#virsh.kill('SIGINT');
    this.#ours.signal('SIGINT');
    await Promise.all([ended, this.#ours.result]);
    return this.texts;
  }
}

/** One text for each event, in an order that does not depend on who heard it. */
function events(text: string): readonly string[] {
  return text
    .split(/^(?=event |events )/m)
    .filter((event) => event.startsWith("event '"))
    .map((event) => event.trim())
    .sort();
}

/** Disks: one is read into the other's place, then what is in the upper goes below, then all goes elsewhere. */
async function workOnDisks(domain: Domain, heard: Listeners): Promise<void> {
  const [, lower] = /<backingStore[^>]*index='(\d+)'/.exec(await domain.getXMLDesc()) ?? [];
  await domain.setBlockThreshold(`vda[${lower}]`, 65_536n);
  await domain.blockCommit('vda', undefined, undefined, 0n, 4);
  await heard.both(/block-job-2.*ready/);
  await heard.both(/block-threshold/);
  await domain.blockJobAbort('vda', 2);
  await heard.both(/block-job-2.*Active Block Commit for vda completed/);
  await domain.backupBegin('<domainbackup/>');
  await heard.both(/job-completed/);
  await heard.both(/block-job-2.*Backup for vda completed/);
}

async function workOnMachine(domain: Domain, heard: Listeners): Promise<void> {
  await domain.setMetadata(1, 'a title');
  await domain.setBlockIoTune('vda', [{ field: 'total_bytes_sec', type: 'ullong', value: 1_000_000n }]);
  await domain.reset();
  await domain.updateDevice("<disk type='file' device='cdrom'><target dev='sda' bus='scsi'/></disk>");
  await heard.both(/tray-change.*opened/);
  const [, port] = /type='vnc' port='(\d+)'/.exec(await domain.getXMLDesc()) ?? [];
  const viewer = connectSocket(Number(port), '127.0.0.1');
  await heard.both(/graphics.*connect /);
  viewer.destroy();
  await heard.both(/graphics.*disconnect/);
  await domain.attachDevice("<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>");
  await heard.both(/device-added/);
}

describe("events of Debian's libvirtd", function () {
  this.timeout(120_000);
  const daemon = new LibvirtDaemon();
  let connection: Connection;

  before(async function () {
    needTool(this, 'virsh', 'libvirt-clients');
    needTool(this, 'qemu-system-riscv64', 'qemu-system-misc');
    needTool(this, 'qemu-img', 'qemu-utils');
    await daemon.start(this);
    connection = await connect(daemon.uri('qemu', '/session'));
  });
  after(async () => {
    await connection?.close();
    await daemon.stop();
  });

  /** The upper of two images, with 64 KiB that the lower has not. */
  function image(): string {
    const directory = dirname(daemon.pool);
    const [lower, upper] = [join(directory, 'lower.qcow2'), join(directory, 'upper.qcow2')];
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', lower, '8M']);
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', lower, upper]);
    execFileSync('qemu-io', ['-c', 'write 2M 64k', upper], { stdio: 'ignore' });
    const cd = join(directory, 'cd.img');
    writeFileSync(cd, Buffer.alloc(4096));
    if (process.getuid?.() === 0) for (const file of [lower, upper, cd]) chownSync(file, NOBODY, NOBODY);
    return upper;
  }

  it('are told as virsh tells them: of disks and their jobs, screens, trays, limits and life', async () => {
    const heard = new Listeners(daemon.uri('qemu', '/session'), 'event', '--all');
    // Both have registered once they hear of what is done for that again and again.
    const probe = await connection.defineXML(xml('/nowhere').replace('<name>e<', '<name>probe<'));
    let probes = 0;
    await until(async () => {
      await probe.setMetadata(1, `${++probes}`, undefined, undefined, 2);
      return heard.texts.every((text) => text.includes("'probe'"));
    }, 'both listen');
    await probe.undefine();
    const domain = await connection.createXML(xml(image()), 1);
    await workOnDisks(domain, heard);
    await workOnMachine(domain, heard);
    await domain.destroy();
    await heard.both(/Stopped Destroyed/);
    const [real, ours] = await heard.end();
    const [wanted, told] = [events(real), events(ours)].map((all) => all.filter((one) => !one.includes("'probe'")));
    assert.deepEqual(told, wanted);
    const kinds = new Set(wanted?.map((event) => /^event '([\w-]+)'/.exec(event)?.[1]));
    assert.deepEqual([...kinds].sort(), [
      'block-job',
      'block-job-2',
      'block-threshold',
      'device-added',
      'graphics',
      'job-completed',
      'lifecycle',
      'metadata-change',
      'reboot',
      'tray-change',
      'tunable',
    ]);
  });

  it('of secrets come with what has become of them', async () => {
    const seen: unknown[] = [];
    connection.on('secret', ({ uuid }, event) => seen.push([uuid, event]));
    connection.on('secretValueChanged', ({ uuid }) => seen.push([uuid]));
    const secret = await connection.secretDefineXML(secretXml);
    await connection.secretSetValue(secret, Buffer.from('hello'));
    assert.equal(Buffer.from(await connection.secretGetValue(secret)).toString(), 'hello');
    await connection.secretUndefine(secret);
    await until(() => seen.length === 3, 'all three come');
    assert.deepEqual(seen, [[secretUuid, 0], [secretUuid], [secretUuid, 1]]);
  });

  it('of the host’s devices come from the test driver', async () => {
    const other = await connect(daemon.uri('test', '/default'));
    const seen: unknown[] = [];
    other.on('nodeDevice', ({ name }, event) => seen.push([name, event]));
    await (await other.nodeDeviceLookupByName('scsi_host1')).destroy();
    await until(() => seen.length > 0, 'the device goes');
    assert.deepEqual(seen, [['scsi_host1', 1]]);
    await other.close();
  });

  it('of QEMU’s monitor come to those who ask, until they do not', async () => {
    const domain = await connection.createXML(xml(image()), 1);
    const seen: unknown[] = [];
    connection.on('qemuMonitorEvent', ({ name }, event, _seconds, _micros, details) =>
      seen.push([name, event, details]),
    );
    const id = await connection.qemuMonitorEventRegister(domain, 'RESET');
    await domain.reset();
    await until(() => seen.length === 1, 'the event comes');
    assert.deepEqual(seen, [['e', 'RESET', '{"guest":false,"reason":"host-qmp-system-reset"}']]);
    await connection.qemuMonitorEventDeregister(id);
    await domain.reset();
    await domain.destroy();
    assert.equal(seen.length, 1);
  });
});
