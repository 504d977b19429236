import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needTool } from '../../../support/need-tool.ts';
import { run } from '../../../tools/daemon/daemon-process.ts';
import { session, WorldServer } from './world-server.ts';

/** What every command is compared with: libvirt's own test driver, in virsh's process. */
const REFERENCE = 'test:///default';

/** Commands whose answers are the same, to the letter. */
const same = `
list|list --all|list --all --uuid|list --title|list --name
dominfo nope|domid test|domname 1|domuuid test|domstate test|domcontrol test
domblklist test|domblklist test --details|vcpucount test|vcpucount test --maximum --live|iothreadinfo test
blkiotune test|memtune test|schedinfo test|metadata test http://x|desc test|desc test --title|maxvcpus
hostname|version|freecell|freecell --all|freecell --cellno 1|domstats --perf --enforce|domdisplay test|vncdisplay test|ttyconsole test
net-list|net-list --all|net-info default|net-uuid default|net-name 004b96e1-2d78-c30f-5aa5-f03c87d21e69|net-event --list
iface-list --all|nodedev-event --list|event --list
pool-list|pool-list --all --details|pool-info default-pool|pool-uuid default-pool|pool-event --list
vol-list default-pool|vol-list default-pool --details
snapshot-list test|snapshot-current test|snapshot-list nope
domrename test x|change-media test vda --eject|set-lifecycle-action test poweroff restart|migrate test foo:///x
undefine nope|start nope|shutdown nope|net-info nope|pool-info nope|vol-info nope --pool default-pool|vol-info /nope
nodedev-dumpxml nope|managedsave-remove test|net-undefine nope|pool-undefine nope|domid nope|domstate 99`;

/** Commands that tell of something else than the reference has, with the same labels. */
const labels = `
vcpuinfo test|vcpupin test|emulatorpin test|domblkinfo test vda|domtime test|nodeinfo|nodecpumap
numatune test|domifaddr test|domiflist test`;

/** Commands with all the labels of the reference, and more. */
const more = 'domstats test|domstats --state --vcpu|domstats --list-active --balloon';

/** Commands that only some drivers have, or that end differently there: what is to be seen here. */
const own: readonly (readonly [command: string, wanted: RegExp])[] = [
  ['dominfo test', /OS Type: +hvm[\s\S]*Security model: none\nSecurity DOI: +0/],
  ['domjobinfo test', /Job type: +None/],
  ['domhostname test', /QEMU guest agent is not configured/],
  ['domfsinfo test', /QEMU guest agent is not configured/],
  ['guestvcpus test', /QEMU guest agent is not configured/],
  ['capabilities', /<arch name='riscv64'>/],
  ['domcapabilities', /<machine>virt<\/machine>/],
  ['sysinfo', /<sysinfo type='smbios'>/],
  ['pool-capabilities', /<storagepoolCapabilities>/],
  ['nodememstats', /total +: +\d+ KiB/],
  ['uri', /^nodevisor\+unix:/],
  ['net-dhcp-leases default', /^$/],
  ['nodedev-list', /computer/],
  ['nodedev-list --tree', /computer\n +\|/],
  ['secret-list', /^$/],
  ['nwfilter-list', /^$/],
  ['nwfilter-dumpxml nope', /Network filter not found: no nwfilter with matching name 'nope'/],
  ['secret-dumpxml 004b96e1-2d78-c30f-5aa5-f03c87d21e69', /Secret not found: no secret with matching uuid/],
  ['iface-dumpxml nope', /Interface not found/],
  ['domblkerror test', /No errors found/],
  ['blockjob test vda', /^$/],
  ['domjobabort test', /no job is active on the domain/],
  ['send-key test KEY_A', /no keyboard/],
  ['screenshot test', /no screen/],
  ['inject-nmi test', /no non-maskable interrupt/],
  ['domifstat test vnet0', /'vnet0' is not a known interface/],
  [
    'domblkstat test vda',
    /vda rd_req \d+\nvda rd_bytes \d+\nvda wr_req \d+\nvda wr_bytes \d+\nvda flush_operations \d+/,
  ],
  ['allocpages 1 1', /this function is not supported by the connection driver: virNodeAllocPages/],
  ['nodesuspend mem 1', /this function is not supported by the connection driver: virNodeSuspendForDuration/],
  ['checkpoint-list test', /this function is not supported by the connection driver: virDomainListAllCheckpoints/],
  ['perf test', /this function is not supported by the connection driver: virDomainGetPerfEvents/],
  ['qemu-monitor-command test info', /not supported by the connection driver: virDomainQemuMonitorCommand/],
  ['cpu-baseline /dev/null', /error/],
];

function commands(text: string): string[] {
  return text.split(/[|\n]/).filter((line) => line !== '');
}

/** What stands before the values. */
function labelsOf(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const found = lines.map(
    (line) => /^ *([\w ()*.]+?)(?:\.\d+)? *[:=]/.exec(line)?.[1] ?? line.trim().split(/ {2,}/)[0] ?? '',
  );
  return [...new Set(found.map((label) => label.replace(/\d+/g, 'N')))].sort();
}

describe('virsh', function () {
  this.timeout(120_000);
  let server: WorldServer;
  before(async function () {
    needTool(this, 'virsh', 'libvirt-clients');
    server = await WorldServer.start();
  });
  after(() => server?.stop());

  /** What a command prints and how it ends, here and at the reference. */
  async function both(command: string): Promise<[string, string]> {
    const args = command.split(' ');
    const answers = await Promise.all([server.virsh(...args), server.virshOn(REFERENCE, args)]);
    return answers.map(({ out, err, code }) => `${out}${err}(${code})`) as [string, string];
  }

  it('answers as with libvirt’s own test driver', async () => {
    for (const command of commands(same)) {
      const [here, there] = await both(command);
      assert.equal(here, there, command);
    }
  });

  it('tells the same kind of things where they are different things', async () => {
    for (const command of commands(labels)) {
      const [here, there] = await both(command);
      assert.match(here, /\(0\)$/, command);
      // vCPUs that have not run yet have no time, and no lease has been given out.
      const wanted = labelsOf(there).filter((label) => label !== 'CPU time' && !label.startsWith('testnetN'));
      assert.deepEqual(
        labelsOf(here).filter((label) => !label.startsWith('testnetN')),
        wanted,
        command,
      );
    }
    for (const command of commands(more)) {
      const [here, there] = await both(command);
      const known = labelsOf(here);
      for (const label of labelsOf(there)) assert.ok(known.includes(label), `${command}: ${label} is missing`);
    }
  });

  it('shows what only this driver has, and says what it has not', async () => {
    for (const [command, wanted] of own) {
      const { out, err } = await server.virsh(...command.split(' '));
      assert.ok(wanted.test(`${out}${err}`.trim()), `${command}: ${out}${err}`);
    }
  });

  it('takes every command of a domain’s, a network’s and a pool’s life as with the test driver', async () => {
    const { directory } = server;
    const file = (name: string, text: string) => writeFileSync(join(directory, name), text);
    const domain = (name: string, id: string) =>
      `<domain type='test'><name>${name}</name><uuid>11111111-2222-4333-8444-5555555555${id}</uuid><memory unit='MiB'>64</memory>
        <vcpu>2</vcpu><os><type>hvm</type></os><devices><console type='pty'/></devices></domain>`;
    file('one.xml', domain('one', '01'));
    file('two.xml', domain('two', '02'));
    file(
      'net.xml',
      `<network><name>n1</name><forward mode='nat'/><bridge name='virbr9'/><ip address='10.0.0.1' netmask='255.255.255.0'>
        <dhcp><range start='10.0.0.2' end='10.0.0.9'/></dhcp></ip></network>`,
    );
    file('pool.xml', "<pool type='dir'><name>p1</name><target><path>/pools/p1</path></target></pool>");
    const steps = readFileSync(new URL('virsh-flow.txt', import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    const [here, there] = await Promise.all([
      session(server.uri(), steps, directory),
      session(REFERENCE, steps, directory),
    ]);
    assert.equal(here.length, steps.length);
    for (const [index, step] of steps.entries()) assert.equal(mask(here[index]), mask(there[index]), step);
  });

  it('takes what the test driver has no part in', async () => {
    const { directory } = server;
    writeFileSync(
      join(directory, 'disk.xml'),
      "<disk type='file'><source file='/tmp/x.img'/><target dev='vdb' bus='virtio'/></disk>",
    );
    const steps: [string, RegExp][] = [
      ['define one.xml --validate', /Domain 'one' defined|^$/],
      ['attach-device one disk.xml --config', /^$|success/],
      ['attach-disk one /tmp/y.img vdc --config', /^$|success/],
      ['domblklist one --inactive', /vdb +\/tmp\/x.img\n +vdc +\/tmp\/y.img/],
      ['attach-interface one network default --config --mac 52:54:00:00:00:09', /^$|success/],
      ['domiflist one --inactive', /network +default +\S+ +52:54:00:00:00:09/],
      ['domif-setlink one 52:54:00:00:00:09 down --config', /^$|success/],
      ['domif-getlink one 52:54:00:00:00:09 --config', /down/],
      ['detach-disk one vdc --config', /^$|success/],
      ['detach-device one disk.xml --config', /^$|success/],
      ['detach-interface one network --config', /^$|success/],
      ['domblklist one --inactive', /^$/],
      ['vcpupin one 0 0-1 --config', /^$/],
      ['vcpupin one --config', /0 +0-1/],
      ['start one --paused', /^$/],
      ['domstate one --reason', /paused \(user\)/],
      ['resume one', /^$/],
      ['managedsave one', /Operation not supported/],
      ['undefine one', /^$/],
      ['dominfo one', /Persistent: +no/],
      ['undefine one', /cannot undefine transient domain/],
      ['destroy one', /^$/],
      ["net-update default add ip-dhcp-host \"<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>\"", /^$|Updated/],
      ['net-dumpxml default', /192\.168\.122\.9/],
      ['pool-define pool.xml', /^$/],
      ['pool-build p1', /^$/],
      ['pool-start p1', /^$/],
      ['vol-create-as p1 v1 1M', /^$/],
      ['vol-create-as p1 v1 1M', /storage volume 'v1' exists already/],
      ['vol-clone v1 v2 --pool p1', /^$/],
      ['vol-resize v1 2M --pool p1', /^$|changed/],
      ['vol-wipe v1 --pool p1', /^$/],
      ['vol-info v1 --pool p1', /Capacity: +2.00 MiB/],
      ['vol-delete v1 --pool p1', /^$/],
      ['pool-destroy p1', /^$/],
      ['pool-delete p1', /^$/],
      ['pool-undefine p1', /^$/],
    ];
    const answers = await session(
      server.uri(),
      steps.map(([command]) => command),
      directory,
    );
    for (const [index, [command, wanted]] of steps.entries()) {
      assert.ok(wanted.test(answers[index] ?? ''), `${command}: ${answers[index]}`);
    }
  });

  it('brings a file into a volume and out of it, whole and with holes', async () => {
    const { directory } = server;
    const bytes = Buffer.alloc(3_000_000);
    for (let i = 0; i < 1_000_000; i++) bytes[i] = i * 7;
    bytes.fill('end', 2_900_000, 3_000_000);
    const [from, to] = [join(directory, 'from'), join(directory, 'to')];
    writeFileSync(from, bytes);
    assert.equal((await server.virsh('vol-create-as', 'default-pool', 'up', '3000000')).err, '');
    for (const options of [[], ['--sparse']]) {
      for (const command of ['vol-upload', 'vol-download']) {
        const file = command === 'vol-upload' ? from : to;
        const { code, err } = await server.virsh(command, 'up', file, '--pool', 'default-pool', ...options);
        assert.equal(`${err}${code}`, '0', command);
      }
      assert.equal(Buffer.compare(readFileSync(to), bytes), 0);
    }
    const part = await server.virsh(
      ...'vol-download up part --pool default-pool --offset 1000 --length 5000'.split(' ').with(2, to),
    );
    assert.equal(part.code, 0);
    assert.equal(Buffer.compare(readFileSync(to), bytes.subarray(1000, 6000)), 0);
    writeFileSync(from, Buffer.alloc(3_000_001));
    const { code, err } = await server.virsh('vol-upload', 'up', from, '--pool', 'default-pool');
    assert.equal(code, 1);
    assert.match(err, /more was sent than the volume/);
    assert.equal((await server.virsh('vol-delete', 'up', '--pool', 'default-pool')).code, 0);
  });

  it('waits for events and gets them', async () => {
    const waiting = run('virsh', ['-q', '-c', server.uri(), 'event', '--all', '--timeout', '20'], { timeout: 30_000 });
    let heard = false;
    void waiting.then(() => {
      heard = true;
    });
    while (!heard) {
      await server.virsh('suspend', 'test');
      await server.virsh('resume', 'test');
    }
    assert.match((await waiting).out, /event 'lifecycle' for domain 'test': (Suspended Paused|Resumed Unpaused)/);
  });

  it('may only read with --readonly', async () => {
    const reading = (...args: string[]) => run('virsh', ['-q', '-r', '-c', server.uri(), ...args]);
    assert.equal((await reading('list')).code, 0);
    assert.match((await reading('destroy', 'test')).err, /read only access prevents/);
  });

  it('keeps its connection alive while it has nothing to say', async () => {
    const { code, out } = await run(
      'virsh',
      ['-q', '-k', '1', '-c', server.uri(), 'event', '--event', 'reboot', '--timeout', '4'],
      {
        timeout: 30_000,
      },
    );
    assert.match(out, /event loop timed out/);
    assert.equal(code, 1);
  });
});

/** Without what is another one each time: ids, times and UUIDs that were made up. */
function mask(text: string | undefined): string {
  return (text ?? '')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'UUID')
    .replace(/^ ?\d+ {2,}/gm, 'ID ')
    .replace(/^\d+$/gm, 'ID');
}
