import type { BlockStats, Domain } from '../../../../virt/index.ts';
import { BlockResize, DomainXml } from '../../../../virt/index.ts';
import { requires } from '../arguments.ts';
import { type CommandDef, flag, size, text } from '../definition.ts';
import { attempt, CommandFailure, isUnsupported, UsageFailure } from '../failure.ts';
import { findDomain } from '../lookup.ts';
import { type Column, fields, message, type Output, type Row, table } from '../output.ts';
import { domainOption } from '../shared-options.ts';
import { prettySize } from '../units.ts';
import { attributeOf, childOf } from '../xml.ts';
import { disksOf, interfacesOf } from './disks.ts';

const inactiveOption = flag('inactive', 'get inactive rather than running configuration');

function description(domain: Domain, inactive: boolean): Promise<string> {
  return domain.getXMLDesc(inactive ? DomainXml.INACTIVE : 0);
}

const domblklistCommand: CommandDef = {
  name: 'domblklist',
  summary: 'list all domain blocks',
  options: [domainOption(), inactiveOption, flag('details', 'additionally display the type and device value')],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const rows = disksOf(await description(domain, args.flag('inactive'))).map(({ type, device, target, source }) => ({
      type,
      device,
      target,
      source: source ?? null,
    }));
    const details = args.flag('details')
      ? [
          { key: 'type', title: 'Type' },
          { key: 'device', title: 'Device' },
        ]
      : [];
    return table([...details, { key: 'target', title: 'Target' }, { key: 'source', title: 'Source' }], rows);
  },
};

const deviceOption = text('device', 'block device: its target or source');

async function blockRow(domain: Domain, device: string): Promise<Row> {
  const { capacity, allocation, physical } = await domain.getBlockInfo(device);
  return { target: device, capacity, allocation, physical };
}

const domblkinfoCommand: CommandDef = {
  name: 'domblkinfo',
  summary: 'domain block device size information',
  options: [
    domainOption(),
    deviceOption,
    flag('human', 'human readable output'),
    flag('all', 'display all block devices info'),
  ],
  async run(args, session) {
    args.exclusive('all', 'device');
    const human = args.flag('human');
    const device = args.text('device');
    if (device === undefined && !args.flag('all')) throw new UsageFailure(requires('domblkinfo', deviceOption));
    const domain = await findDomain(args, session);
    const show = human ? (value: unknown) => prettySize(BigInt(String(value)), 3) : undefined;
    if (device !== undefined) {
      const row = await blockRow(domain, device);
      const line = (label: string, key: string) =>
        [label, key, row[key] ?? null, show?.(row[key]) ?? String(row[key])] as const;
      return fields([line('Capacity', 'capacity'), line('Allocation', 'allocation'), line('Physical', 'physical')]);
    }
    const disks = disksOf(await domain.getXMLDesc()).filter(({ source }) => source !== undefined);
    const rows = await Promise.all(disks.map(({ target }) => blockRow(domain, target)));
    const sized = (key: string, title: string): Column => ({ key, title, ...(show === undefined ? {} : { show }) });
    return table(
      [
        { key: 'target', title: 'Target' },
        sized('capacity', 'Capacity'),
        sized('allocation', 'Allocation'),
        sized('physical', 'Physical'),
      ],
      rows,
    );
  },
};

/** virsh's names for what libvirt calls otherwise. */
const BLOCK_STATS: Readonly<Record<string, readonly [plain: string, human: string]>> = {
  rd_operations: ['rd_req', 'number of read operations:'],
  rd_bytes: ['rd_bytes', 'number of bytes read:'],
  rd_total_times: ['rd_total_times', 'total duration of reads (ns):'],
  wr_operations: ['wr_req', 'number of write operations:'],
  wr_bytes: ['wr_bytes', 'number of bytes written:'],
  wr_total_times: ['wr_total_times', 'total duration of writes (ns):'],
  flush_operations: ['flush_operations', 'number of flush operations:'],
  flush_total_times: ['flush_total_times', 'total duration of flushes (ns):'],
  errs: ['errs', 'error count:'],
};

/** Figures of the older call by the names that the newer one gives them; one below 0 is not known. */
function olderStats({ rdReq, rdBytes, wrReq, wrBytes, errs }: BlockStats): { field: string; value: bigint }[] {
  const all = { rd_operations: rdReq, rd_bytes: rdBytes, wr_operations: wrReq, wr_bytes: wrBytes, errs };
  return Object.entries(all).flatMap(([field, value]) => (value < 0n ? [] : [{ field, value }]));
}

async function blockFigures(domain: Domain, device: string) {
  try {
    return await domain.blockStatsFlags(device);
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    return olderStats(await domain.blockStats(device));
  }
}

const domblkstatCommand: CommandDef = {
  name: 'domblkstat',
  summary: 'get device block stats for a domain',
  options: [domainOption('active-domain'), deviceOption, flag('human', 'print a more human readable output')],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const device = args.text('device') ?? '';
    const failed = `Failed to get block stats for domain '${domain.name}' device '${device}'`;
    const params = await attempt(failed, blockFigures(domain, device));
    const human = args.flag('human');
    const order = Object.keys(BLOCK_STATS);
    const place = ({ field }: { field: string }) => (order.includes(field) ? order.indexOf(field) : order.length);
    const sorted = [...params].sort((a, b) => place(a) - place(b));
    const named = sorted.map(({ field, value }) => {
      const [plain, long] = BLOCK_STATS[field] ?? [field, field];
      return { key: plain, value, line: human ? ` ${long.padEnd(34)}${value}` : `${device} ${plain} ${value}` };
    });
    return {
      text: `${human ? `Device: ${device}\n` : ''}${named.map(({ line }) => `${line}\n`).join('')}`,
      json: Object.fromEntries(named.map(({ key, value }) => [key, value])),
    };
  },
};

/** Of virDomainDiskErrorCode. */
const DISK_ERRORS = ['no error', 'unspecified error', 'no space'];

const domblkerrorCommand: CommandDef = {
  name: 'domblkerror',
  summary: 'show errors on block devices',
  options: [domainOption('active-domain')],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const broken = (await domain.getDiskErrors()).map(({ disk, error }) => ({
      device: disk,
      error: DISK_ERRORS[error] ?? 'unknown error',
    }));
    const text = broken.map(({ device, error }) => `${device}: ${error}\n`).join('');
    return { text: text === '' ? 'No errors found\n' : text, json: broken };
  },
};

const blockresizeCommand: CommandDef = {
  name: 'blockresize',
  summary: 'resize block device of domain',
  options: [
    domainOption('active-domain'),
    text('path', 'target or source of the block device', { required: true }),
    size('size', 'new size of the block device, as scaled integer (default KiB)', { required: true }),
  ],
  async run(args, session) {
    const path = args.need('path');
    const bytes = args.bytes('size', 1024n) ?? 0n;
    const domain = await findDomain(args, session);
    await attempt(`Failed to resize block device '${path}'`, domain.blockResize(path, bytes, BlockResize.BYTES));
    return message(`Block device '${path}' is resized`, { device: path, capacity: bytes });
  },
};

const domiflistCommand: CommandDef = {
  name: 'domiflist',
  summary: 'list all domain virtual interfaces',
  options: [domainOption(), inactiveOption],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const nics = interfacesOf(await description(domain, args.flag('inactive')));
    return table(
      [
        { key: 'interface', title: 'Interface' },
        { key: 'type', title: 'Type' },
        { key: 'source', title: 'Source' },
        { key: 'model', title: 'Model' },
        { key: 'mac', title: 'MAC' },
      ],
      nics.map(({ target, type, source, model, mac }) => ({
        interface: target ?? null,
        type,
        source: source ?? null,
        model: model ?? null,
        mac: mac ?? null,
      })),
    );
  },
};

const interfaceOption = text('interface', 'interface device specified by name or MAC address', {
  required: true,
  complete: 'domain-interface',
});

/** The host's name of an interface that is called by that or by its MAC address. */
async function deviceCalled(domain: Domain, called: string): Promise<string> {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(called)) return called;
  const nic = interfacesOf(await domain.getXMLDesc()).find(({ mac }) => mac?.toLowerCase() === called.toLowerCase());
  return nic?.target ?? called;
}

const IF_STATS = [
  ['rx_bytes', 'rxBytes'],
  ['rx_packets', 'rxPackets'],
  ['rx_errs', 'rxErrs'],
  ['rx_drop', 'rxDrop'],
  ['tx_bytes', 'txBytes'],
  ['tx_packets', 'txPackets'],
  ['tx_errs', 'txErrs'],
  ['tx_drop', 'txDrop'],
] as const;

const domifstatCommand: CommandDef = {
  name: 'domifstat',
  summary: 'get network interface stats for a domain',
  options: [domainOption('active-domain'), interfaceOption],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const device = await deviceCalled(domain, args.need('interface'));
    const failed = `Failed to get interface stats ${domain.name} ${device}`;
    const stats = await attempt(failed, domain.interfaceStats(device));
    const shown = IF_STATS.map(([name, key]) => [name, stats[key]] as const).filter(([, value]) => value >= 0n);
    return {
      text: shown.map(([name, value]) => `${device} ${name} ${value}\n`).join(''),
      json: Object.fromEntries(shown),
    };
  },
};

const getlinkCommand: CommandDef = {
  name: 'domif-getlink',
  summary: 'get link state of a virtual interface',
  options: [
    domainOption(),
    interfaceOption,
    { ...flag('config', 'get persistent interface state'), synonyms: ['persistent'] },
  ],
  async run(args, session) {
    const domain = await findDomain(args, session);
    const called = args.need('interface');
    const nics = interfacesOf(await description(domain, args.flag('config')));
    const nic = nics.find(({ target, mac }) => target === called || mac?.toLowerCase() === called.toLowerCase());
    if (nic === undefined) {
      throw new CommandFailure(`Interface (${called.includes(':') ? 'mac' : 'dev'}: ${called}) not found.`);
    }
    const link = attributeOf(childOf(nic.element, 'link'), 'state') ?? 'up';
    return { text: `${called} ${link}`, json: { interface: called, link } };
  },
};

const SOURCES = ['lease', 'agent', 'arp'] as const;

function addressTable(rows: readonly Row[]): Output {
  const line = (cells: readonly string[]) =>
    ` ${cells[0]!.padEnd(10)} ${cells[1]!.padEnd(20)} ${cells[2]!.padEnd(8)}     ${cells[3]}\n`;
  const cells = rows.map(({ name, mac, protocol, address }) => [name, mac, protocol, address].map(String));
  const head = line(['Name', 'MAC address', 'Protocol', 'Address']);
  return { text: `${head}${'-'.repeat(79)}\n${cells.map(line).join('')}`, json: rows };
}

const domifaddrCommand: CommandDef = {
  name: 'domifaddr',
  summary: "get network interfaces' addresses for a running domain",
  options: [
    domainOption('active-domain'),
    text('interface', 'network interface name', { complete: 'domain-interface' }),
    flag('full', 'always display names and MACs of interfaces'),
    text('source', `address source: ${SOURCES.join(', ')}`, { complete: SOURCES }),
  ],
  async run(args, session) {
    const source = SOURCES.indexOf((args.text('source') ?? 'lease') as (typeof SOURCES)[number]);
    if (source < 0) throw new UsageFailure(`Unknown data source '${args.text('source')}'`);
    const domain = await findDomain(args, session);
    const failed = 'Failed to query for interfaces addresses';
    const only = args.text('interface');
    const nics = await attempt(failed, domain.interfaceAddresses(source));
    const rows = nics
      .filter(({ name }) => only === undefined || name === only)
      .flatMap(({ name, hwaddr, addrs }) =>
        addrs.map(({ type, addr, prefix }, i) => ({
          // A further address of the same interface goes without repeating it.
          name: i > 0 && !args.flag('full') && session.format === 'table' ? '-' : name,
          mac: i > 0 && !args.flag('full') && session.format === 'table' ? '-' : (hwaddr ?? 'N/A'),
          protocol: type === 0 ? 'ipv4' : 'ipv6',
          address: `${addr}/${prefix}`,
        })),
      );
    return addressTable(rows);
  },
};

/** Commands about a domain's disks and network interfaces. */
export const ioCommands: readonly CommandDef[] = [
  domblklistCommand,
  domblkinfoCommand,
  domblkstatCommand,
  domblkerrorCommand,
  domiflistCommand,
  domifstatCommand,
  getlinkCommand,
  domifaddrCommand,
];

/** What changes one. */
export const blockCommands: readonly CommandDef[] = [blockresizeCommand];
