import { fakeDriver } from '../../drivers/index.ts';
import type { NetCounts } from '../../machine/index.ts';
import { HostClock, hostRandom, type Logger } from '../../util/index.ts';
import type { BlockInfo, NodeInfo, NodeStat } from '../backend.ts';
import {
  checkNames,
  type DomainCapabilitiesQuery,
  type FilledDomainDef,
  fillDomainDefaults,
  formatCapabilities,
  formatDomainCapabilities,
  type HostCapabilities,
  makeLive,
  parseCpuSet,
  parseDomain,
} from '../conf/index.ts';
import { virtError } from '../errors.ts';
import type { HostInterface } from '../local/host-interfaces.ts';
import type { DomainGuest, Hypervisor, MadeGuest, SchedulerFace } from '../local/hypervisor.ts';
import type { NetworkDriver } from '../local/network-driver.ts';

/** The host that there is not, as libvirt's test driver has it. */
const node: NodeInfo = {
  model: 'riscv64',
  memory: 3_145_728n,
  cpus: 16,
  mhz: 1400,
  nodes: 2,
  sockets: 2,
  cores: 2,
  threads: 2,
};

const noCounts: NetCounts = {
  rxBytes: 0,
  rxPackets: 0,
  rxDrop: 0,
  txBytes: 0,
  txPackets: 0,
  txErrors: 0,
  txDrop: 0,
};

/** Networks that nobody is on. */
const testNetworks: NetworkDriver = {
  hasPorts: false,
  start: async () => ({
    cable: () => ({ type: 'none' }),
    leases: () => [],
    neighbours: () => [],
    update: () => {},
    close: async () => {},
  }),
  find: async () => [],
  forget: async () => {},
  release: async () => {},
};

/** The half of the CPUs that a cell has. */
function cpusFrom(first: number): number[] {
  return Array.from({ length: node.cpus / 2 }, (_, index) => first + index);
}

/** Domains without machines: what is behind `test:///default`. */
export class TestHypervisor implements Hypervisor {
  readonly errorDomain = 'TEST';
  readonly type = 'TEST';
  readonly domainType = 'test';
  readonly version = 2n;
  readonly clock = new HostClock();
  readonly logger: Logger;
  readonly host: HostCapabilities = {
    uuid: '00000000-7465-7374-686f-737400000000',
    arch: 'riscv64',
    cpus: node.cpus,
    memoryKib: Number(node.memory),
    cells: [
      { memoryKib: 2 * 2 ** 20, cpus: cpusFrom(0) },
      { memoryKib: 4 * 2 ** 20, cpus: cpusFrom(8) },
    ],
    emulator: '/usr/bin/test-hv',
    maxVcpus: 32,
    maxMemoryKib: 2 ** 40,
  };
  readonly hasBalloon = true;
  readonly networks = testNetworks;
  readonly scheduler: SchedulerFace = {
    type: 'fair',
    params: [{ field: 'weight', type: 'uint', value: 50 }],
    // There is nothing to weigh; the domain keeps what it was given.
    tune: async () => {},
  };

  constructor(logger: Logger) {
    this.logger = logger;
  }

  /** Less strict than with machines: what a domain has is never made. */
  complete(xml: string): FilledDomainDef {
    const def = fillDomainDefaults(parseDomain(xml), { random: hostRandom, emulator: this.host.emulator });
    checkNames(def);
    if (def.type !== 'test' && def.type !== 'qemu') {
      throw virtError('CONFIG_UNSUPPORTED', `domain type '${def.type}': there are 'test' and 'qemu'`);
    }
    const { max, current = max, cpuset } = def.vcpu;
    if (max > this.host.maxVcpus || current > max) {
      throw virtError('CONFIG_UNSUPPORTED', `${current} of ${max} vCPUs: there can be ${this.host.maxVcpus}`);
    }
    parseCpuSet(cpuset);
    return def;
  }

  live(def: FilledDomainDef): FilledDomainDef {
    return makeLive(def);
  }

  async make(def: FilledDomainDef): Promise<MadeGuest> {
    const guest = fakeDriver.create({
      config: {
        ramBytes: def.memory * 1024,
        vcpus: def.vcpu.current ?? def.vcpu.max,
        firmware: { kind: 'none' },
        virtio: [],
        clock: 'host',
      },
      backend: 'interpreter',
      virtio: [],
      onReset: def.on_reboot === 'restart' ? 'restart' : 'exit',
    });
    const { max, current = max } = def.vcpu;
    // Nobody sends anything there.
    const nets = new Map(def.devices.interfaces.map(({ alias }) => [alias?.name ?? '', { ...noCounts }]));
    let vcpus = Array.from({ length: current }, (_, id) => ({ id, cpuSeconds: 0 }));
    return {
      guest,
      consoles: def.devices.serials[0]?.type === 'pty' ? [guest.console] : [],
      notices: [],
      numbers: async () => ({ vcpus, disks: new Map(), nets }),
      resizeDisk: async (target) => {
        throw virtError('OPERATION_INVALID', `disk ${target} has no medium`);
      },
      // Nothing reads or writes: what is limited is the definition's.
      tuneDisk: async () => {},
      // There is no machine that could not: all that changes is the definition.
      changeDevice: async () => {},
      setVcpus: async (count) => {
        vcpus = Array.from({ length: count }, (_, id) => ({ id, cpuSeconds: 0 }));
      },
    };
  }

  async started(): Promise<void> {}

  async press(guest: DomainGuest, wish: 'poweroff' | 'reboot'): Promise<void> {
    await guest.press(wish);
  }

  /** There is nothing to pin; the map is kept in the definition. */
  async pin(): Promise<void> {}

  /** As `pin`. */
  async pinEmulator(): Promise<void> {}

  /** The one that libvirt's test driver has. */
  hostInterfaces(): HostInterface[] {
    return [
      { name: 'eth1', mac: 'aa:bb:cc:dd:ee:ff', addresses: [{ family: 'ipv4', address: '192.168.0.5', prefix: 24 }] },
    ];
  }

  guestTimeNs(): bigint {
    return this.clock.wallNs();
  }

  /** A terabyte, as libvirt's test driver says of every image. */
  async imageInfo(): Promise<BlockInfo> {
    return { allocation: 2n ** 40n, capacity: 2n ** 40n, physical: 2n ** 40n };
  }

  capabilities(): string {
    return formatCapabilities(this.host);
  }

  domainCapabilities(query: DomainCapabilitiesQuery): string {
    return formatDomainCapabilities(this.host, query);
  }

  sysinfo(): string {
    return [
      "<sysinfo type='smbios'>",
      '  <system>',
      "    <entry name='manufacturer'>nodevisor</entry>",
      "    <entry name='product'>test host</entry>",
      '  </system>',
      '</sysinfo>',
      '',
    ].join('\n');
  }

  nodeInfo(): NodeInfo {
    return node;
  }

  freeMemory(): bigint {
    return node.memory;
  }

  /** As little as libvirt's test driver has. */
  cellsFreeMemory(): bigint[] {
    return [2n * 2n ** 20n, 4n * 2n ** 20n];
  }

  cpuStats(): NodeStat[] {
    return ['kernel', 'user', 'idle'].map((field) => ({ field, value: 0n }));
  }

  /** Each cell has its part of what there is. */
  memoryStats(cell: number): NodeStat[] {
    const total = cell < 0 ? node.memory : node.memory / BigInt(node.nodes);
    return [
      { field: 'total', value: total },
      { field: 'free', value: total / 2n },
    ];
  }
}
