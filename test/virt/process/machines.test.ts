import { strict as assert } from 'node:assert';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  Affect,
  ConsoleFlags,
  DomainLifecycle,
  DomainStart,
  DomainState,
  DomainXml,
  PausedReason,
  RunningReason,
  ShutoffReason,
} from '../../../src/virt/index.ts';
import { program } from '../../support/guest.ts';
import { record, rejects, until } from '../backend-contract.ts';
import { domainXml, HostBench, Listener } from './bench.ts';

const { STOPPED, SHUTDOWN } = DomainLifecycle;

describe('machines in processes', function () {
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

  const disk = (file: string, dev = 'vda') =>
    `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${file}'/><target dev='${dev}' bus='virtio'/></disk>`;
  /** A kernel that ends the machine at once, in one way or another. */
  const kernel = (routine: 'power_off' | 'reset' | 'fail') => {
    const path = join(bench.directory, `${routine}.elf`);
    writeFileSync(path, program(`li a0, 3\n j ${routine}`, 0x8020_0000).bytes);
    return `<kernel>${path}</kernel>`;
  };

  it('have a process each, which ends with the domain', async () => {
    const domains = await Promise.all(['a', 'b', 'c'].map(async (name) => bench.connection.createXML(domainXml(name))));
    assert.equal(new Set(bench.pids()).size, 3);
    assert.equal(bench.leftOver().processes.length, 3);
    for (const domain of domains) {
      const console = await Listener.on(domain);
      await console.heard('guest> ');
      console.stream.write(`echo I am ${domain.name}\n`);
      await console.heard(`\nI am ${domain.name}`);
      assert.ok((await domain.getInfo()).cpuTime > 0n);
      console.stream.destroy();
    }
    await domains[0]?.destroy();
    assert.equal(bench.leftOver().processes.length, 2);
  });

  it('crash when their process is killed, say how, and hurt nobody else', async () => {
    const events = record(bench.connection);
    const victim = await bench.connection.defineXML(domainXml('victim'));
    await victim.create();
    const [pid = 0] = bench.pids();
    const other = await bench.connection.createXML(domainXml('other'));
    const console = await Listener.on(victim);
    const ended = new Promise((resolve) => console.stream.once('end', resolve));
    process.kill(pid, 'SIGKILL');
    await until(async () => !(await victim.isActive()), 'the domain has ended');
    await ended;
    assert.deepEqual(await victim.getState(), { state: DomainState.SHUTOFF, reason: ShutoffReason.CRASHED });
    assert.equal(events.at(-1), `victim ${STOPPED.id}/${STOPPED.FAILED} -`);
    assert.deepEqual(await victim.getMessages(), [`the domain crashed: its process ${pid} was killed by SIGKILL`]);
    await (await Listener.on(other)).heard('guest> ');
    await victim.create();
    await (await Listener.on(victim)).heard('guest> ');
  });

  it('stand still when a disk fails and its policy says so, tell why, and go on when resumed', async () => {
    const image = join(bench.directory, 'disk.raw');
    const content = Buffer.alloc(64 * 1024);
    content.write('sector five', 5 * 512);
    writeFileSync(image, content);
    const xml = disk(image).replace("type='raw'", "type='raw' error_policy='stop'");
    const domain = await bench.connection.createXML(domainXml('one', { devices: xml }));
    const happened: unknown[] = [];
    bench.connection.on('lifecycle', (_, event, detail) => happened.push([event, detail]));
    bench.connection.on('ioError', (_, ...told) => happened.push(told));
    const console = await Listener.on(domain);
    await console.heard('guest> ');
    truncateSync(image, 0);
    console.stream.write('disk 5\n');
    const paused = { state: DomainState.PAUSED, reason: PausedReason.IOERROR };
    const stopped = async () => (await domain.getState()).state === DomainState.PAUSED;
    await until(stopped, 'the domain is paused for an I/O error');
    assert.deepEqual(await domain.getState(), paused);
    assert.deepEqual(happened, [
      [image, 'virtio-disk0', 1, ''],
      [DomainLifecycle.SUSPENDED.id, DomainLifecycle.SUSPENDED.IOERROR],
    ]);
    assert.deepEqual(await domain.getDiskErrors(), [{ disk: 'vda', error: 1 }]);
    assert.match((await domain.getMessages()).join(), /disk 'vda' failed: .*shorter than it was/);
    // A host that comes later is told as well.
    await bench.leave();
    await bench.open();
    const later = await bench.connection.lookupByName('one');
    assert.deepEqual(await later.getState(), paused);
    writeFileSync(image, content);
    const again = await Listener.on(later);
    await later.resume();
    await again.heard('sector five');
    assert.deepEqual(await later.getState(), { state: DomainState.RUNNING, reason: RunningReason.UNPAUSED });
    assert.deepEqual(await later.getDiskErrors(), []);
  });

  it('slow a disk down as its <iotune> says, until they are told otherwise', async () => {
    const image = join(bench.directory, 'disk.raw');
    const content = Buffer.alloc(64 * 1024);
    content.write('sector five', 5 * 512);
    writeFileSync(image, content);
    const iotune = '<iotune><total_bytes_sec>1</total_bytes_sec></iotune></disk>';
    const devices = disk(image).replace('</disk>', iotune);
    const domain = await bench.connection.createXML(domainXml('one', { devices }));
    const console = await Listener.on(domain);
    await console.heard('guest> ');
    // The first request passes and fills the bucket for minutes.
    console.stream.write('disk 1\ndisk 5\n');
    await console.heard('disk 5');
    await setTimeout(200);
    assert.doesNotMatch(console.output, /sector five/);
    await domain.setBlockIoTune('vda', [{ field: 'total_bytes_sec', type: 'ullong', value: 0n }]);
    await console.heard('sector five');
  });

  it('are destroyed in order when their process is told to end', async () => {
    const domain = await bench.connection.defineXML(domainXml('one'));
    await domain.create();
    const [pid = 0] = bench.pids();
    process.kill(pid, 'SIGTERM');
    await until(async () => !(await domain.isActive()), 'the domain has ended');
    assert.deepEqual(await domain.getState(), { state: DomainState.SHUTOFF, reason: ShutoffReason.DESTROYED });
    assert.match((await domain.getMessages()).join(), /told to end by SIGTERM/);
  });

  it('end as their guest wants to, and start again in another process where the definition says so', async () => {
    const events = record(bench.connection);
    await bench.connection.createXML(domainXml('off', { os: kernel('power_off') }));
    await until(() => events.at(-1) === `off ${STOPPED.id}/${STOPPED.SHUTDOWN} -`, 'it has switched off');
    assert.equal(events.at(-2), `off ${SHUTDOWN.id}/${SHUTDOWN.GUEST} id`);
    const domain = await bench.connection.createXML(domainXml('again', { top: '<on_poweroff>restart</on_poweroff>' }));
    const [pid] = bench.pids();
    const console = await Listener.on(domain);
    await console.heard('guest> ');
    console.output = '';
    console.stream.write('poweroff\n');
    await console.heard('guest> ');
    assert.equal(await domain.isActive(), true);
    assert.notEqual(bench.pids()[0], pid);
    const panicked = await bench.connection.defineXML(domainXml('panicked', { os: kernel('fail') }));
    await panicked.create();
    await until(async () => !(await panicked.isActive()), 'it has ended');
    assert.deepEqual(await panicked.getState(), { state: DomainState.SHUTOFF, reason: ShutoffReason.CRASHED });
    assert.match((await panicked.getMessages()).join(), /the guest panicked: .*failure code 3/);
  });

  it('leave nothing of a start that fails, and say why', async () => {
    const image = join(bench.directory, 'disk.img');
    writeFileSync(image, Buffer.alloc(65_536));
    await rejects(
      bench.connection.createXML(domainXml('one', { devices: disk(image) + disk('/nowhere.img', 'vdb') })),
      'INVALID_ARG',
      /nowhere\.img': it does not exist/,
    );
    await rejects(
      bench.connection.createXML(domainXml('two', { os: '<kernel>/none</kernel>' })),
      'INVALID_ARG',
      /none/,
    );
    assert.deepEqual(bench.leftOver(), { files: [], processes: [] });
    // The disk is free again, for one machine at a time.
    const domain = await bench.connection.createXML(domainXml('three', { devices: disk(image) }));
    await rejects(
      bench.connection.createXML(domainXml('four', { devices: disk(image) })),
      'INVALID_ARG',
      /disk\.img.*in use/,
    );
    await domain.blockResize('vda', 128n);
    assert.equal((await domain.getBlockInfo('vda')).capacity, 131_072n);
    assert.ok((await domain.blockStats('vda')).rdReq >= 0n);
    await rejects(domain.blockResize('vdz', 128n), 'INVALID_ARG', /vdz/);
  });

  it('change the media of their drives, and tell of the trays', async () => {
    const media = ['one.iso', 'two.iso'].map((name) => join(bench.directory, name)) as [string, string];
    for (const file of media) writeFileSync(file, Buffer.alloc(8192));
    const drive = (source: string) =>
      `<disk type='file' device='cdrom'>${source}<target dev='sda' bus='scsi'/><readonly/></disk>`;
    const source = (file: string) => `<source file='${file}'/>`;
    const domain = await bench.connection.createXML(domainXml('one', { devices: drive(source(media[0])) }));
    const moves: number[] = [];
    bench.connection.on('trayChange', ({ name }, alias, reason) => {
      assert.equal(name, 'one');
      assert.match(alias, /^scsi0-0-0/);
      moves.push(reason);
    });
    const none = { rdReq: 0n, rdBytes: 0n, wrReq: 0n, wrBytes: 0n };
    const stats = async () => {
      const { rdReq, rdBytes, wrReq, wrBytes } = await domain.blockStats('sda');
      return { rdReq, rdBytes, wrReq, wrBytes };
    };
    assert.deepEqual(await stats(), none);
    await domain.updateDevice(drive(source(media[1])), Affect.LIVE);
    await until(() => moves.length === 2, 'the tray was opened and closed');
    assert.match(await domain.getXMLDesc(), /two\.iso/);
    // The first one is nobody's any more, the second one is taken.
    const free = await bench.connection.createXML(domainXml('two', { devices: disk(media[0]) }));
    await rejects(
      bench.connection.createXML(domainXml('three', { devices: disk(media[1]) })),
      'INVALID_ARG',
      /two\.iso.*in use/,
    );
    await free.destroy();
    await rejects(domain.updateDevice(drive(source('/none.iso')), Affect.LIVE), 'INVALID_ARG', /does not exist/);
    await domain.updateDevice(drive(''), Affect.LIVE);
    await until(() => moves.length === 3, 'the tray was opened');
    assert.match(await domain.getXMLDesc(), /<target dev='sda' bus='scsi' tray='open'\/>/);
    assert.deepEqual(await stats(), none);
    await domain.updateDevice(drive(source(media[0])), Affect.LIVE);
    await until(() => moves.length === 4, 'the tray was closed');
    assert.match(await domain.getXMLDesc(), /<target dev='sda' bus='scsi'\/>/);
    assert.deepEqual(moves, [0, 1, 0, 1]);
  });

  it('name no port of a screen: nobody listens there', async () => {
    const devices = "<graphics type='vnc'/><graphics type='spice' port='5902' tlsPort='5903'/>";
    const domain = await bench.connection.defineXML(domainXml('one', { devices }));
    const ports = async (flags?: number) => (await domain.getXMLDesc(flags)).match(/[pP]ort='(-1|59\d\d)'/g);
    await domain.create();
    assert.deepEqual(await ports(), null);
    assert.deepEqual(await ports(DomainXml.INACTIVE), ["port='-1'", "port='5902'", "Port='5903'"]);
  });

  it('keep what nobody reads for the next who does', async () => {
    const domain = await bench.connection.createXML(domainXml('one'));
    await setTimeout(500);
    const first = await Listener.on(domain);
    await first.heard('guest> ');
    first.stream.write('echo first\n');
    await first.heard('\nfirst');
    first.stream.destroy();
    await setTimeout(50);
    const second = await Listener.on(domain);
    second.stream.write('echo second\n');
    await second.heard('\nsecond');
    assert.ok(!second.output.includes('\nfirst'), 'what has been read is not read again');
    const third = await Listener.on(domain, ConsoleFlags.FORCE);
    second.stream.write('echo ghost\n');
    third.stream.write('echo third\n');
    await third.heard('\nthird');
    assert.ok(!third.output.includes('ghost'));
  });

  it('lose no output that somebody reads, however slowly, up to the last byte', async () => {
    // Letters in turn, a mebibyte of them, and then the end.
    const count = 1 << 20;
    const source = `
  li s0, 0
  li s1, ${count}
  li s2, 26
  li t0, UART
next:
  lbu t1, 5(t0)
  andi t1, t1, 0x20
  beqz t1, next
  remu t2, s0, s2
  addi t2, t2, 65
  sb t2, (t0)
  addi s0, s0, 1
  blt s0, s1, next
  j power_off`;
    const path = join(bench.directory, 'letters.elf');
    writeFileSync(path, program(source, 0x8020_0000).bytes);
    const ref = await bench.connection.defineXML(domainXml('letters', { os: `<kernel>${path}</kernel>` }));
    await ref.create(DomainStart.PAUSED);
    const console = await Listener.on(ref);
    await ref.resume();
    let ended = false;
    console.stream.once('end', () => {
      ended = true;
    });
    while (!ended) {
      console.stream.pause();
      await setTimeout(2);
      console.stream.resume();
      await setTimeout(2);
    }
    const begun = console.output.charCodeAt(0) - 65;
    const expected = Array.from({ length: 26 }, (_, index) => String.fromCharCode(65 + ((begun + index) % 26))).join(
      '',
    );
    assert.equal(console.output.replaceAll(expected, '').length < 26, true, 'letters follow one another');
    assert.equal(console.output.at(-1), String.fromCharCode(65 + ((count - 1) % 26)));
    assert.ok(console.output.length > count - 70_000, `${console.output.length} of ${count} bytes`);
    await until(async () => !(await ref.isActive()), 'it has ended');
  });

  it('end with the connection that started them, when that was asked for', async () => {
    const other = await bench.host.open('', false);
    const xml = domainXml('mine');
    const ref = await other.domainCreateXml(xml, DomainStart.AUTODESTROY);
    const [pid = 0] = bench.pids();
    process.kill(pid, 0);
    await other.connectClose();
    await rejects(bench.connection.lookupByUUID(ref.uuid), 'NO_DOMAIN', /mine|uuid/);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });

  it('that do not answer are ended all the same', async () => {
    const domain = await bench.connection.createXML(domainXml('stuck'));
    const [pid = 0] = bench.pids();
    process.kill(pid, 'SIGSTOP');
    // Numbers are the last ones that are known, soon enough.
    await domain.getInfo();
    await domain.destroy();
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });

  it('start in a process that was kept ready, which goes with the host', async () => {
    const spare = new HostBench();
    const connection = await spare.open({ keepSpare: true });
    await until(() => spare.files().some((file) => file.endsWith('.sock')), 'a process is ready');
    await setTimeout(100);
    const before = spare.leftOver().processes;
    assert.equal(before.length, 1);
    const domain = await connection.createXML(domainXml('one'));
    assert.deepEqual(spare.pids(), before);
    await (await Listener.on(domain)).heard('guest> ');
    await domain.destroy();
    await spare.leave();
    assert.deepEqual(spare.leftOver(), { files: [], processes: [] });
    await spare.close();
  });
});
