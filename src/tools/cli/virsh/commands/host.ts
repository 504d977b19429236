import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeInfo } from '../../../../virt/index.ts';
import { formatCpuList } from '../cpu-list.ts';
import { type CommandDef, flag, integer, text } from '../definition.ts';
import { attempt } from '../failure.ts';
import { document, fields, single } from '../output.ts';

const LABEL_COLUMNS = 21;

function nodeFields({ model, cpus, mhz, sockets, cores, threads, nodes, memory }: NodeInfo) {
  return fields(
    [
      ['CPU model', 'model', model],
      ['CPU(s)', 'cpus', cpus],
      ...(mhz === 0 ? [] : [['CPU frequency', 'mhz', mhz, `${mhz} MHz`] as const]),
      ['CPU socket(s)', 'sockets', sockets],
      ['Core(s) per socket', 'cores', cores],
      ['Thread(s) per core', 'threads', threads],
      ['NUMA cell(s)', 'nodes', nodes],
      ['Memory size', 'memoryKib', memory, `${memory} KiB`],
    ],
    LABEL_COLUMNS,
  );
}

function versionText(version: bigint): string {
  return [version / 1_000_000n, (version / 1000n) % 1000n, version % 1000n].join('.');
}

/** A command without options that shows one value. */
function value(name: string, summary: string, key: string, get: (connection: Conn) => Promise<string>): CommandDef {
  return {
    name,
    summary,
    options: [],
    async run(_args, session) {
      return single(key, await get(await session.connection()));
    },
  };
}

type Conn = Awaited<ReturnType<Parameters<CommandDef['run']>[1]['connection']>>;

/** A command without options that shows a document. */
function xml(name: string, summary: string, get: (connection: Conn) => Promise<string>): CommandDef {
  return {
    name,
    summary,
    options: [],
    async run(_args, session) {
      return document(await get(await session.connection()));
    },
  };
}

const nodeinfoCommand: CommandDef = {
  name: 'nodeinfo',
  summary: 'node information',
  options: [],
  async run(_args, session) {
    return nodeFields(await (await session.connection()).getNodeInfo());
  },
};

const nodecpumapCommand: CommandDef = {
  name: 'nodecpumap',
  summary: 'node cpu map',
  options: [flag('pretty', 'return human readable output')],
  async run(args, session) {
    const { cpus, online, cpumap } = await (await session.connection()).getCPUMap();
    const list = formatCpuList(cpumap, cpus);
    const has = (cpu: number) => ((cpumap[cpu >> 3] ?? 0) >> (cpu & 7)) & 1;
    const letters = Array.from({ length: cpus }, (_, cpu) => (has(cpu) ? 'y' : '-')).join('');
    return fields([
      ['CPUs present', 'present', cpus],
      ['CPUs online', 'online', online],
      ['CPU map', 'map', list, args.flag('pretty') ? list : letters],
    ]);
  },
};

const freecellCommand: CommandDef = {
  name: 'freecell',
  summary: 'NUMA free memory',
  options: [integer('cellno', 'NUMA cell number'), flag('all', 'show free memory for all NUMA cells')],
  async run(args, session) {
    args.exclusive('all', 'cellno');
    const cell = args.signed('cellno');
    const connection = await session.connection();
    if (cell !== undefined) {
      const [bytes = 0n] = await connection.getCellsFreeMemory(cell, 1);
      return { text: `${cell}: ${bytes / 1024n} KiB\n`, json: { cell, freeKib: bytes / 1024n } };
    }
    if (!args.flag('all')) {
      const total = (await connection.getFreeMemory()) / 1024n;
      return { text: `Total: ${total} KiB\n`, json: { totalKib: total } };
    }
    const { nodes } = await connection.getNodeInfo();
    const cells = (await connection.getCellsFreeMemory(0, nodes)).map((bytes, n) => ({
      cell: n,
      freeKib: bytes / 1024n,
    }));
    const total = cells.reduce((sum, { freeKib }) => sum + freeKib, 0n);
    const line = (label: string, free: bigint) => `${`${label}:`.padStart(6)} ${String(free).padStart(10)} KiB\n`;
    const quiet = cells.map(({ cell: n, freeKib }) => line(`${n}`, freeKib)).join('');
    const text = `${quiet}${'-'.repeat(20)}\n${line('Total', total)}`;
    return { text, quiet, json: { cells, totalKib: total } };
  },
};

const CPU_STATS = [
  ['user', 'user'],
  ['system', 'kernel'],
  ['idle', 'idle'],
  ['iowait', 'iowait'],
] as const;

/** Nanoseconds by virsh's names of what they were spent on. */
async function cpuTimes(connection: Conn, cpu: number): Promise<ReadonlyMap<string, bigint>> {
  const stats = await attempt('Unable to get node cpu stats', connection.getCPUStats(cpu));
  const times = new Map<string, bigint>();
  for (const [label, field] of CPU_STATS) {
    const stat = stats.find((one) => one.field === field);
    if (stat !== undefined) times.set(label, stat.value);
  }
  return times;
}

const PERCENT_INTERVAL_MS = 1000;

/** Shares of a second, in percent; what is neither idle nor waiting is `usage`. */
async function cpuShares(connection: Conn, cpu: number): Promise<ReadonlyMap<string, number>> {
  const before = await cpuTimes(connection, cpu);
  await sleep(PERCENT_INTERVAL_MS);
  const after = await cpuTimes(connection, cpu);
  const spent = new Map([...after].map(([label, ns]) => [label, Number(ns - (before.get(label) ?? 0n))]));
  const total = [...spent.values()].reduce((sum, ns) => sum + ns, 0);
  const share = (ns: number) => (total === 0 ? 0 : (100 * ns) / total);
  const usage = share((spent.get('user') ?? 0) + (spent.get('system') ?? 0));
  return new Map([['usage', usage], ...[...spent].map(([label, ns]) => [label, share(ns)] as const)]);
}

const nodecpustatsCommand: CommandDef = {
  name: 'nodecpustats',
  summary: 'cpu stats of the node, in nanoseconds',
  options: [
    integer('cpu', 'prints specified cpu statistics only'),
    flag('percent', 'prints by percentage during 1 second'),
  ],
  async run(args, session) {
    const cpu = args.number('cpu') ?? -1;
    const connection = await session.connection();
    if (args.flag('percent')) {
      const shares = [...(await cpuShares(connection, cpu))];
      return {
        text: shares.map(([label, share]) => `${`${label}:`.padEnd(15)}${share.toFixed(1).padStart(5)}%\n`).join(''),
        json: Object.fromEntries(shares.map(([label, share]) => [label, Number(share.toFixed(1))])),
      };
    }
    const times = [...(await cpuTimes(connection, cpu))];
    return {
      text: times.map(([label, ns]) => `${`${label}:`.padEnd(15)}${String(ns).padStart(20)}\n`).join(''),
      json: Object.fromEntries(times),
    };
  },
};

const nodememstatsCommand: CommandDef = {
  name: 'nodememstats',
  summary: 'memory stats of the node, in KiB',
  options: [integer('cell', 'prints specified cell statistics only')],
  async run(args, session) {
    const stats = await attempt(
      'Unable to get node memory stats',
      (await session.connection()).getMemoryStats(args.number('cell') ?? -1),
    );
    return {
      text: stats.map(({ field, value: kib }) => `${field.padEnd(7)}: ${String(kib).padStart(20)} KiB\n`).join(''),
      json: Object.fromEntries(stats.map(({ field, value: kib }) => [field, kib])),
    };
  },
};

const domcapabilitiesCommand: CommandDef = {
  name: 'domcapabilities',
  summary: 'domain capabilities',
  options: [
    text('virttype', 'virtualization type (/domain/@type)'),
    text('emulatorbin', 'path to emulator binary (/domain/devices/emulator)', { complete: 'file' }),
    text('arch', 'domain architecture (/domain/os/type/@arch)', { complete: ['riscv64'] }),
    text('machine', 'machine type (/domain/os/type/@machine)', { complete: ['virt'] }),
  ],
  async run(args, session) {
    const connection = await session.connection();
    const [emulator, arch, machine, type] = ['emulatorbin', 'arch', 'machine', 'virttype'].map((o) => args.text(o));
    return document(
      await attempt(
        'failed to get emulator capabilities',
        connection.getDomainCapabilities(emulator, arch, machine, type),
      ),
    );
  },
};

const versionCommand: CommandDef = {
  name: 'version',
  summary: 'show version',
  options: [flag('daemon', 'report daemon version too')],
  async run(args, session) {
    const connection = await session.connection();
    const [library, type, hypervisor] = await Promise.all([
      connection.getLibVersion(),
      connection.getType(),
      connection.getVersion(),
    ]);
    const lib = versionText(library);
    const lines = [
      `Compiled against library: libvirt ${lib}`,
      `Using library: libvirt ${lib}`,
      `Using API: ${type} ${lib}`,
      `Running hypervisor: ${type} ${versionText(hypervisor)}`,
      ...(args.flag('daemon') ? [`Running against daemon: ${lib}`] : []),
    ];
    return { text: `${lines.join('\n')}\n`, json: { library: lib, type, hypervisor: versionText(hypervisor) } };
  },
};

const maxvcpusCommand: CommandDef = {
  name: 'maxvcpus',
  summary: 'connection vcpu maximum',
  options: [text('type', 'domain type')],
  async run(args, session) {
    return single('maxVcpus', await (await session.connection()).getMaxVcpus(args.text('type')));
  },
};

/** Commands about the host and what runs domains on it. */
export const hostCommands: readonly CommandDef[] = [
  xml('capabilities', 'capabilities of the host and its hypervisor', (c) => c.getCapabilities()),
  domcapabilitiesCommand,
  freecellCommand,
  value('hostname', 'print the hypervisor hostname', 'hostname', (c) => c.getHostname()),
  maxvcpusCommand,
  nodecpumapCommand,
  nodecpustatsCommand,
  nodeinfoCommand,
  nodememstatsCommand,
  xml('sysinfo', 'print the hypervisor sysinfo', (c) => c.getSysinfo()),
  value('uri', 'print the hypervisor canonical URI', 'uri', (c) => c.getURI()),
  versionCommand,
];
