/** The documents that tell a client what there is: of the host, of domains, of storage pools. */
import { VirtError } from '../../util/index.ts';
import type { HostCapabilities } from './host-capabilities.ts';
import { formatXml } from './xml-format.ts';
import type { XmlElement, XmlNode } from './xml-node.ts';

function el(name: string, attributes: Record<string, string>, ...children: XmlNode[]): XmlElement {
  return { name, attributes, ...(children.length === 0 ? {} : { children }) };
}

/** `<capabilities>`: the host, and the one kind of guest. */
export function formatCapabilities(host: HostCapabilities): string {
  const all = Array.from({ length: host.cpus }, (_, id) => id);
  const cells = (host.cells ?? [{ memoryKib: host.memoryKib, cpus: all }]).map(formatCell);
  return formatXml(
    el(
      'capabilities',
      {},
      el(
        'host',
        {},
        el('uuid', {}, host.uuid),
        el('cpu', {}, el('arch', {}, host.arch)),
        el('power_management', {}),
        el('iommu', { support: 'no' }),
        el('topology', {}, el('cells', { num: String(cells.length) }, ...cells)),
      ),
      el(
        'guest',
        {},
        el('os_type', {}, 'hvm'),
        el(
          'arch',
          { name: 'riscv64' },
          el('wordsize', {}, '64'),
          el('emulator', {}, host.emulator),
          el('machine', { maxCpus: String(host.maxVcpus) }, 'virt'),
          el('domain', { type: 'qemu' }),
        ),
        el('features', {}, el('cpuselection', {}), el('deviceboot', {})),
      ),
    ),
  );
}

function formatCell({ memoryKib, cpus }: { memoryKib: number; cpus: readonly number[] }, cell: number): XmlElement {
  const all = cpus.map((id, core) =>
    el('cpu', {
      id: String(id),
      socket_id: String(cell),
      die_id: '0',
      core_id: String(core),
      siblings: String(id),
    }),
  );
  return el(
    'cell',
    { id: String(cell) },
    el('memory', { unit: 'KiB' }, String(memoryKib)),
    el('cpus', { num: String(cpus.length) }, ...all),
  );
}

/** What `connectGetDomainCapabilities` asks for; what is absent is ours to choose. */
export interface DomainCapabilitiesQuery {
  emulator?: string;
  arch?: string;
  machine?: string;
  virttype?: string;
}

/** `<domainCapabilities>`. Throws INVALID_ARG for a machine that there is none of. */
export function formatDomainCapabilities(host: HostCapabilities, query: DomainCapabilitiesQuery = {}): string {
  const { arch = 'riscv64', machine = 'virt', virttype = 'qemu', emulator = host.emulator } = query;
  refuse('emulator', emulator, host.emulator);
  refuse('arch', arch, 'riscv64');
  refuse('machine', machine, 'virt');
  refuse('virttype', virttype, 'qemu');
  return formatXml(
    el(
      'domainCapabilities',
      {},
      el('path', {}, host.emulator),
      el('domain', {}, 'qemu'),
      el('machine', {}, 'virt'),
      el('arch', {}, 'riscv64'),
      el('vcpu', { max: String(host.maxVcpus) }),
      el('iothreads', { supported: 'no' }),
      osCapabilities(),
      cpuCapabilities(),
      el('memoryBacking', { supported: 'no' }),
      deviceCapabilities(),
      featureCapabilities(),
    ),
  );
}

function refuse(what: string, given: string, there: string): void {
  if (given === there) return;
  throw new VirtError('INVALID_ARG', `invalid argument: ${what} '${given}' is not available, '${there}' is`);
}

function values(name: string, ...all: string[]): XmlElement {
  return el('enum', { name }, ...all.map((value) => el('value', {}, value)));
}

function osCapabilities(): XmlElement {
  return el(
    'os',
    { supported: 'yes' },
    values('firmware'),
    el(
      'loader',
      { supported: 'yes' },
      values('type', 'rom', 'pflash'),
      values('readonly', 'yes', 'no'),
      values('secure', 'no'),
    ),
  );
}

function cpuCapabilities(): XmlElement {
  return el(
    'cpu',
    {},
    ...['host-passthrough', 'maximum', 'host-model'].map((name) => el('mode', { name, supported: 'no' })),
    el('mode', { name: 'custom', supported: 'yes' }, el('model', { usable: 'yes', vendor: 'unknown' }, 'rv64')),
  );
}

function deviceCapabilities(): XmlElement {
  const no = { supported: 'no' };
  return el(
    'devices',
    {},
    el(
      'disk',
      { supported: 'yes' },
      values('diskDevice', 'disk', 'cdrom'),
      values('bus', 'virtio', 'scsi'),
      values('model', 'virtio'),
    ),
    el('graphics', no),
    el('video', no),
    el('hostdev', no),
    el('rng', { supported: 'yes' }, values('model', 'virtio'), values('backendModel', 'random', 'builtin')),
    el('filesystem', no),
    el('tpm', no),
    el('redirdev', no),
    el('channel', no),
  );
}

function featureCapabilities(): XmlElement {
  const names = ['gic', 'vmcoreinfo', 'genid', 'backingStoreInput', 'backup'];
  return el('features', {}, ...names.map((name) => el(name, { supported: 'no' })));
}

/** `<storagepoolCapabilities>`: directories of images. */
export function formatPoolCapabilities(): string {
  return formatXml(
    el(
      'storagepoolCapabilities',
      {},
      el(
        'pool',
        { type: 'dir', supported: 'yes' },
        el(
          'volOptions',
          {},
          el('defaultFormat', { type: 'raw' }),
          values('targetFormatType', 'none', 'raw', 'dir', 'qcow2'),
        ),
      ),
    ),
  );
}
