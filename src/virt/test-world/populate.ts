import type { World } from '../local/world.ts';

const domain = `
<domain type='test'>
  <name>test</name>
  <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>
  <memory unit='KiB'>8388608</memory>
  <currentMemory unit='KiB'>2097152</currentMemory>
  <vcpu>2</vcpu>
  <os><type arch='riscv64' machine='virt'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <source file='/guest/diskimage1'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:dd:ee:ff'/>
      <source network='default'/>
      <target dev='testnet0'/>
    </interface>
    <console type='pty'/>
  </devices>
</domain>`;

const network = `
<network>
  <name>default</name>
  <uuid>dd8fe884-6c02-601e-7551-cca97df1c5df</uuid>
  <forward mode='nat'/>
  <bridge name='virbr0'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>
  </ip>
</network>`;

const pool = `
<pool type='dir'>
  <name>default-pool</name>
  <uuid>dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566</uuid>
  <target><path>/default-pool</path></target>
</pool>`;

/** Puts into an empty world what libvirt's test driver starts with: one running domain, one network, one pool. */
export async function populate(world: World): Promise<void> {
  const { networks, pools, domains, life } = world;
  const networkDef = networks.complete(network);
  const defaultNetwork = networks.claim(networkDef.uuid, networkDef.name);
  defaultNetwork.config = networkDef;
  await networks.start(defaultNetwork, networkDef);
  const poolDef = pools.complete(pool);
  const defaultPool = pools.claim(poolDef.uuid, poolDef.name);
  defaultPool.config = poolDef;
  await pools.start(defaultPool, poolDef);
  const def = world.hypervisor.complete(domain);
  const test = domains.claim(def.uuid, def.name);
  test.config = def;
  await life.start(test, def, { paused: false });
}
