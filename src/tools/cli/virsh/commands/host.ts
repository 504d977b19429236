import type { NodeInfo } from '../../../../virt/index.ts';
import { formatCpuList } from '../cpu-list.ts';
import { type CommandDef, flag, integer, text } from '../definition.ts';
import { attempt, UsageFailure } from '../failure.ts';
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
  summary: 'free memory of the node',
  options: [integer('cellno', 'NUMA cell number'), flag('all', 'show free memory for all NUMA cells')],
  async run(args, session) {
    args.exclusive('cellno', 'all');
    const cell = args.number('cellno');
    const connection = await session.connection();
    const { nodes } = await connection.getNodeInfo();
    if (cell !== undefined && cell >= nodes) throw new UsageFailure(`NUMA cell ${cell}: there are ${nodes}`);
    const kib = async (cellNum: number) => {
      const stats = await connection.getMemoryStats(cellNum);
      return stats.find(({ field }) => field === 'free')?.value ?? 0n;
    };
    const line = (label: string, free: bigint) => `${`${label}:`.padStart(5)}${String(free).padStart(11)} KiB\n`;
    if (cell !== undefined) {
      const free = await kib(cell);
      return { text: `${cell}: ${free} KiB\n`, json: { cell, freeKib: free } };
    }
    const total = (await connection.getFreeMemory()) / 1024n;
    if (!args.flag('all')) return { text: `Total: ${total} KiB\n`, json: { totalKib: total } };
    const cells = await Promise.all(
      Array.from({ length: nodes }, async (_, n) => ({ cell: n, freeKib: await kib(n) })),
    );
    const text = cells.map(({ cell: n, freeKib }) => line(`${n}`, freeKib)).join('');
    return { text: `${text}${'-'.repeat(20)}\n${line('Total', total)}`, json: { cells, totalKib: total } };
  },
};

const CPU_STATS = [
  ['user', 'user'],
  ['system', 'kernel'],
  ['idle', 'idle'],
  ['iowait', 'iowait'],
] as const;

const nodecpustatsCommand: CommandDef = {
  name: 'nodecpustats',
  summary: 'cpu stats of the node, in nanoseconds',
  options: [integer('cpu', 'prints specified cpu statistics only')],
  async run(args, session) {
    const stats = await attempt(
      'Unable to get node cpu stats',
      (await session.connection()).getCPUStats(args.number('cpu') ?? -1),
    );
    const shown = CPU_STATS.flatMap(([label, field]) => {
      const stat = stats.find((one) => one.field === field);
      return stat === undefined ? [] : [[label, stat.value] as const];
    });
    return {
      text: shown.map(([label, ns]) => `${`${label}:`.padEnd(15)}${String(ns).padStart(20)}\n`).join(''),
      json: Object.fromEntries(shown),
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
