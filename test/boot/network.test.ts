/** Guests of a daemon on one of libvirt's networks, seen by virsh, by themselves and by a real QEMU. */
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, connect } from '../../src/index.ts';
import { needTool } from '../support/need-tool.ts';
import { DaemonBench } from '../tools/daemon/daemon-process.ts';
import { until } from '../virt/backend-contract.ts';
import { processesWith } from '../virt/process/bench.ts';
import { startQemu } from './qemu-guest.ts';
import { Shell } from './shell.ts';
import { type DebianImage, debianImage } from './support.ts';

describe('boot: Debian on a virtual network', function () {
  this.timeout(240_000);
  let image: DebianImage;
  let bench: DaemonBench;
  let connection: Connection | undefined;

  before(async function () {
    needTool(this, 'virsh', 'libvirt-clients');
    image = await debianImage(this);
  });
  beforeEach(() => {
    bench = new DaemonBench();
  });
  afterEach(async () => {
    await connection?.close().catch(() => {});
    connection = undefined;
    await bench.stop('SIGKILL');
    for (const pid of processesWith(bench.state)) process.kill(pid, 'SIGKILL');
    bench.remove();
  });

  const mac = (name: string) => (name === 'a' ? '52:54:00:aa:00:01' : '52:54:00:aa:00:02');

  async function virsh(...args: string[]): Promise<string> {
    const { code, out, err } = await bench.virsh(...args);
    assert.equal(code, 0, `${args.join(' ')}: ${err}`);
    return out;
  }

  async function open(): Promise<Connection> {
    await connection?.close().catch(() => {});
    connection = await connect(bench.uri);
    return connection;
  }

  const xml = (name: string) =>
    `<domain type='qemu'><name>${name}</name><memory unit='MiB'>256</memory>
     <os><type arch='riscv64' machine='virt'>hvm</type><kernel>${image.kernel}</kernel>
       <initrd>${image.initrd}</initrd><cmdline>${image.append} quiet</cmdline></os>
     <devices><console type='pty'/><interface type='network'><mac address='${mac(name)}'/>
       <source network='default'/></interface></devices></domain>`;

  async function start(name: string): Promise<void> {
    const file = join(bench.directory, `${name}.xml`);
    writeFileSync(file, xml(name));
    await virsh('define', file);
    await virsh('start', name);
  }

  const addressIn = (leases: string, of: string) =>
    new RegExp(`${of}\\s+ipv4\\s+(192\\.168\\.122\\.\\d+)/24`).exec(leases)?.[1];

  async function pidOf(name: string): Promise<number> {
    const run = join(bench.state, 'run');
    const { uuid } = await (connection as Connection).lookupByName(name);
    const file = readdirSync(run).find((one) => one === `${uuid}.json`) ?? '';
    return (JSON.parse(readFileSync(join(run, file), 'utf8')) as { process: { pid: number } }).process.pid;
  }

  it('reaches others and nothing else on an isolated network of one process', async () => {
    const embed = await connect('nodevisor:///embed');
    try {
      const network = await embed.networkDefineXML(
        `<network><name>default</name><ip address='10.7.0.1' netmask='255.255.255.0'><dhcp>
         <range start='10.7.0.2' end='10.7.0.9'/><host mac='${mac('b')}' name='bee' ip='10.7.0.77'/></dhcp></ip></network>`,
      );
      await network.create();
      for (const name of ['a', 'b']) await embed.createXML(xml(name));
      const [a, b] = [await Shell.of(embed, 'a'), await Shell.of(embed, 'b')];
      await a.insist('ip addr show eth0 | grep 10.7.0.2');
      await b.insist('ip addr show eth0 | grep 10.7.0.77');
      assert.match(await a.run('ping -c 3 bee'), /3 packets received/);
      assert.match(await a.run('ping -c 2 10.7.0.1'), /2 packets received/);
      assert.doesNotMatch(await a.run('ip route'), /default/);
      assert.deepEqual((await network.getDHCPLeases()).map(({ ipaddr }) => ipaddr).sort(), ['10.7.0.2', '10.7.0.77']);
      const guest = await embed.lookupByName('a');
      const link = (state: string) =>
        `<interface type='network'><mac address='${mac('a')}'/><source network='default'/><link state='${state}'/></interface>`;
      await guest.updateDevice(link('down'));
      assert.match(await a.run('cat /sys/class/net/eth0/carrier; ping -c 1 -W 1 bee'), /^0\r?\n[\s\S]*end=1/m);
      await guest.updateDevice(link('up'));
      await a.insist('ping -c 1 -W 1 10.7.0.77');
      const { rxPackets, txBytes } = await guest.interfaceStats('vnet0');
      assert.ok(rxPackets > 5n && txBytes > 500n, `${rxPackets} ${txBytes}`);
      await network.destroy();
      assert.match(await a.run('ping -c 1 -W 1 10.7.0.77'), /end=1/);
      await network.create();
      for (const ip of ['10.7.0.77', '10.7.0.1']) await a.insist(`ping -c 1 -W 1 ${ip}`);
    } finally {
      await embed.close();
    }
  });

  it('has an address that virsh shows, reaches others and a real QEMU, and outlives kills on all sides', async function () {
    needTool(this, 'qemu-system-riscv64', 'qemu-system-misc');
    assert.equal(await bench.start(), 'ready');
    assert.match(await virsh('net-list'), /default\s+active\s+yes\s+yes/);
    await start('a');
    await start('b');
    let a = await Shell.of(await open(), 'a');
    const b = await Shell.of(connection as Connection, 'b');
    for (const shell of [a, b]) await shell.insist('ip addr show eth0 | grep 192.168.122');

    const leases = await virsh('net-dhcp-leases', 'default');
    const [ofA, ofB] = ['a', 'b'].map((name) => addressIn(leases, mac(name)));
    assert.ok(ofA !== undefined && ofB !== undefined && ofA !== ofB, leases);
    assert.match(await virsh('domiflist', 'a'), /vnet0\s+network\s+default\s+virtio\s+52:54:00:aa:00:01/);
    assert.match(await virsh('net-dumpxml', 'default'), /<network connections='2'>/);
    assert.match(await a.run(`ping -c 3 ${ofB}`), /3 packets received/);
    assert.match(await b.run(`ping -c 3 ${ofA}`), /3 packets received/);
    assert.match(await a.run('ping -c 2 192.168.122.1'), /2 packets received/);
    for (const source of ['lease', 'arp']) {
      assert.match(
        await virsh('domifaddr', 'a', '--source', source),
        new RegExp(`vnet0\\s+${mac('a')}\\s+ipv4\\s+${ofA}`),
      );
    }
    assert.match(await virsh('domifstat', 'a', 'vnet0'), /vnet0 rx_bytes \d{3,}[\s\S]*vnet0 tx_packets [1-9]/);
    assert.match(await virsh('domstats', 'a', '--interface'), /net\.0\.name=vnet0[\s\S]*net\.0\.rx\.bytes=\d{3,}/);

    await virsh(
      'net-update',
      'default',
      'add',
      'dns-host',
      `<host ip='${ofB}'><hostname>bee</hostname></host>`,
      '--live',
    );
    assert.match(await a.run('ping -c 1 bee'), /1 packets received/);

    await virsh('domif-setlink', 'a', 'vnet0', 'down');
    assert.match(await virsh('domif-getlink', 'a', 'vnet0'), /vnet0 down/);
    assert.match(await a.run(`cat /sys/class/net/eth0/carrier; ping -c 1 -W 1 ${ofB}`), /^0\r?\n[\s\S]*end=1/m);
    await virsh('domif-setlink', 'a', 'vnet0', 'up');
    await a.insist(`ping -c 1 -W 1 ${ofB}`);

    const { uuid } = await (connection as Connection).networkLookupByName('default');
    const qemu = startQemu(image, join(bench.state, 'network', `${uuid}.sock`));
    try {
      await qemu.expect('~ # ');
      qemu.type(`until ip addr show eth0 | grep 192.168.122; do sleep 1; done; ping -c 3 ${ofA}`);
      assert.match(await qemu.expect(/\d packets received/), /3 packets received/);
      assert.notEqual(addressIn(await virsh('net-dhcp-leases', 'default'), '52:54:00:aa:00:03'), undefined);
    } finally {
      qemu.process.kill('SIGKILL');
    }

    process.kill(await pidOf('b'), 'SIGKILL');
    await until(async () => /shut off/.test(await virsh('domstate', 'b')), 'b has crashed');
    assert.match(await a.run('ping -c 2 192.168.122.1'), /2 packets received/);
    await virsh('start', 'b');
    const again = await Shell.of(connection as Connection, 'b');
    await again.insist(`ip addr show eth0 | grep ${ofB}`);

    await bench.stop('SIGKILL');
    assert.equal(await bench.start(), 'ready');
    assert.match(await virsh('net-list'), /default\s+active/);
    assert.equal(addressIn(await virsh('net-dhcp-leases', 'default'), mac('a')), ofA);
    assert.match(await virsh('domiflist', 'a'), /vnet0\s+network\s+default/);
    a = await Shell.of(await open(), 'a');
    await a.insist(`ping -c 1 -W 1 ${ofB}`);
    await a.insist('ping -c 1 -W 1 192.168.122.1');
    assert.match(await a.run(`ping -c 5 ${ofB}`), /5 packets received/);
  });
});
