import type { StorageVolume } from '../../../../virt/index.ts';
import { VolumeCreate, VolumeResize, VolumeWipe } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, text } from '../definition.ts';
import { attempt, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findPool, findVolume, volumeCalled } from '../lookup.ts';
import { volumeTypeName } from '../names.ts';
import { type Column, document, fields, message, single, table, type Value } from '../output.ts';
import { fileOption, poolOption, validateOption, volumeOption, volumePoolOption } from '../shared-options.ts';
import { parseSize, prettySize, unknownUnit } from '../units.ts';
import { childOf, element, parseXml, serialize } from '../xml.ts';
import { description, xpathOptions } from '../xpath.ts';
import { byName } from './network.ts';
import { transferCommands } from './volume-transfer.ts';

const sized = (value: Value) => prettySize(BigInt(String(value)));
const preallocOption = flag('prealloc-metadata', 'preallocate metadata (for qcow2 instead of full allocation)');
const reflinkOption = flag('reflink', 'use a lightweight copy where the file system can');

function sizeOf(text: string): bigint {
  const bytes = parseSize(text, 1n);
  if (bytes !== undefined) return bytes;
  const unit = unknownUnit(text);
  const why = unit === undefined ? [] : [`invalid argument: unknown suffix '${unit}'`];
  throw new UsageFailure(`Malformed size ${text}`, ...why);
}

function createFlags(args: CommandArgs): number {
  return (
    (args.flag('prealloc-metadata') ? VolumeCreate.PREALLOC_METADATA : 0) |
    (args.flag('reflink') ? VolumeCreate.REFLINK : 0) |
    (args.flag('validate') ? VolumeCreate.VALIDATE : 0)
  );
}

const listCommand: CommandDef = {
  name: 'vol-list',
  summary: 'list vols',
  options: [poolOption('active-pool'), flag('details', 'display extended details for volumes')],
  async run(args, session) {
    const pool = await findPool(args, session);
    const volumes = byName(await attempt('Failed to list volumes', pool.listAllVolumes()));
    const details = args.flag('details');
    const rows = volumes.map(async (volume) => {
      const path = await volume.getPath();
      if (!details) return { name: volume.name, path };
      const { type, capacity, allocation } = await volume.getInfo();
      return { name: volume.name, path, type: volumeTypeName(type), capacity, allocation };
    });
    const more: Column[] = [
      { key: 'type', title: 'Type' },
      { key: 'capacity', title: 'Capacity', show: sized },
      { key: 'allocation', title: 'Allocation', show: sized },
    ];
    return table(
      [{ key: 'name', title: 'Name' }, { key: 'path', title: 'Path' }, ...(details ? more : [])],
      await Promise.all(rows),
    );
  },
};

const createCommand: CommandDef = {
  name: 'vol-create',
  summary: 'create a vol from an XML file',
  options: [poolOption('active-pool'), fileOption('volume'), preallocOption, validateOption],
  async run(args, session) {
    const file = args.need('file');
    const pool = await findPool(args, session);
    const xml = await readTextFile(file);
    const made = pool.createVolumeXML(xml, createFlags(args));
    const volume = await attempt(`Failed to create vol from ${file}`, made);
    return message(`Vol ${volume.name} created from ${file}`, { volume: volume.name, key: volume.key });
  },
};

const createFromCommand: CommandDef = {
  name: 'vol-create-from',
  summary: 'create a vol, using another volume as input',
  options: [
    poolOption('active-pool'),
    fileOption('volume'),
    text('vol', 'volume name, key or path of the input', { required: true, complete: 'volume' }),
    text('inputpool', "pool name or uuid of the input volume's pool", { complete: 'pool' }),
    preallocOption,
    reflinkOption,
    validateOption,
  ],
  async run(args, session) {
    const pool = await findPool(args, session);
    const connection = await session.connection();
    const input = await volumeCalled(connection, args.need('vol'), args.text('inputpool'), 'inputpool');
    const xml = await readTextFile(args.need('file'));
    const made = pool.createVolumeXMLFrom(xml, input, createFlags(args));
    const volume = await attempt(`Failed to create vol from ${input.name}`, made);
    return message(`Vol ${volume.name} created from input vol ${input.name}`, {
      volume: volume.name,
      key: volume.key,
    });
  },
};

const createAsCommand: CommandDef = {
  name: 'vol-create-as',
  summary: 'create a volume from a set of args',
  options: [
    poolOption('active-pool'),
    text('name', 'name of the volume', { required: true }),
    text('capacity', 'size of the vol, as scaled integer (default bytes)', { required: true }),
    text('allocation', 'initial allocation size, as scaled integer (default bytes)'),
    text('format', 'file format type: raw, qcow2', { complete: ['raw', 'qcow2'] }),
    text('backing-vol', 'the backing volume if taking a snapshot'),
    text('backing-vol-format', 'format of backing volume if taking a snapshot'),
    preallocOption,
    flag('print-xml', "print XML document, but don't define/create"),
  ],
  async run(args, session) {
    const name = args.need('name');
    const given = args.text('allocation');
    const [capacity, allocation] = [sizeOf(args.need('capacity')), given === undefined ? undefined : sizeOf(given)];
    const [format, backing] = [args.text('format'), args.text('backing-vol')];
    const pool = await findPool(args, session);
    const backingVolume =
      backing === undefined ? undefined : await volumeCalled(await session.connection(), backing, pool.name);
    const xml = element('volume', {}, [
      element('name', {}, name),
      element('capacity', {}, String(capacity)),
      allocation === undefined ? undefined : element('allocation', {}, String(allocation)),
      format === undefined ? undefined : element('target', {}, [element('format', { type: format })]),
      backingVolume === undefined
        ? undefined
        : element('backingStore', {}, [
            element('path', {}, await backingVolume.getPath()),
            args.text('backing-vol-format') === undefined
              ? undefined
              : element('format', { type: args.text('backing-vol-format') }),
          ]),
    ]);
    if (args.flag('print-xml')) return document(xml);
    const volume = await attempt(`Failed to create vol ${name}`, pool.createVolumeXML(xml, createFlags(args)));
    return message(`Vol ${name} created`, { volume: volume.name, key: volume.key });
  },
};

/** The description of a volume for another one of the same kind. */
function renamed(xml: string, name: string): string {
  const root = parseXml(xml);
  const [nameElement, key, path] = [childOf(root, 'name'), childOf(root, 'key'), childOf(root, 'target', 'path')];
  if (nameElement !== undefined) nameElement.textContent = name;
  // Those are of the old one alone.
  if (key !== undefined) root.removeChild(key);
  path?.parentNode?.removeChild(path);
  return serialize(root);
}

const cloneCommand: CommandDef = {
  name: 'vol-clone',
  summary: 'clone a volume',
  options: [
    volumeOption,
    text('newname', 'clone name', { required: true }),
    volumePoolOption,
    preallocOption,
    reflinkOption,
    flag('print-xml', 'print XML document rather than clone the volume'),
  ],
  async run(args, session) {
    const name = args.need('newname');
    const volume = await findVolume(args, session);
    const xml = renamed(await volume.getXMLDesc(), name);
    if (args.flag('print-xml')) return document(xml);
    const pool = await (await session.connection()).storagePoolLookupByVolume(volume);
    const made = pool.createVolumeXMLFrom(xml, volume, createFlags(args));
    const clone = await attempt(`Failed to clone vol from ${volume.name}`, made);
    return message(`Vol ${clone.name} cloned from ${volume.name}`, { volume: clone.name, key: clone.key });
  },
};

const deleteCommand: CommandDef = {
  name: 'vol-delete',
  summary: 'delete a vol',
  options: [volumeOption, volumePoolOption, flag('delete-snapshots', 'delete snapshots associated with volume')],
  async run(args, session) {
    const volume = await findVolume(args, session);
    await attempt(`Failed to delete vol ${volume.name}`, volume.delete(args.flag('delete-snapshots') ? 2 : 0));
    return message(`Vol ${volume.name} deleted`, { volume: volume.name });
  },
};

/** virStorageVolWipeAlgorithm, by number. */
const WIPE_ALGORITHMS: readonly string[] = Object.keys(VolumeWipe).map((name) => name.toLowerCase());

const wipeCommand: CommandDef = {
  name: 'vol-wipe',
  summary: 'wipe a vol: overwrite it with zeroes',
  options: [
    volumeOption,
    volumePoolOption,
    text('algorithm', `how to overwrite: ${WIPE_ALGORITHMS.join(', ')}`, { complete: WIPE_ALGORITHMS }),
  ],
  async run(args, session) {
    const volume = await findVolume(args, session);
    const called = args.text('algorithm');
    const algorithm = called === undefined ? VolumeWipe.ZERO : WIPE_ALGORITHMS.indexOf(called);
    if (algorithm < 0) throw new UsageFailure(`Unsupported algorithm '${called}'`);
    const wiped = algorithm === VolumeWipe.ZERO ? volume.wipe() : volume.wipePattern(algorithm);
    await attempt(`Failed to wipe vol ${volume.name}`, wiped);
    return message(`Vol ${volume.name} wiped`, { volume: volume.name });
  },
};

const resizeCommand: CommandDef = {
  name: 'vol-resize',
  summary: 'resize a vol',
  options: [
    volumeOption,
    text('capacity', 'new capacity for the vol, as scaled integer (default bytes); negative with --delta --shrink', {
      required: true,
    }),
    volumePoolOption,
    flag('allocate', 'allocate the new capacity, rather than leaving it sparse'),
    flag('delta', 'use capacity as a delta to current size, rather than the new size'),
    flag('shrink', 'allow the resize to shrink the volume'),
  ],
  async run(args, session) {
    const volume = await findVolume(args, session);
    const asked = args.need('capacity');
    const less = asked.startsWith('-');
    // Less than nothing can only be meant as a difference.
    const delta = less || args.flag('delta');
    const flags =
      (args.flag('allocate') ? VolumeResize.ALLOCATE : 0) |
      (delta ? VolumeResize.DELTA : 0) |
      (args.flag('shrink') ? VolumeResize.SHRINK : 0);
    if (less && !args.flag('shrink')) throw new UsageFailure('negative size requires --shrink');
    const given = less ? asked.slice(1) : asked;
    const capacity = less ? -sizeOf(given) : sizeOf(given);
    const how = delta ? 'by' : 'to';
    const failed = `Failed to change size of volume '${volume.name}' ${how} ${given}`;
    await attempt(failed, volume.resize(capacity, flags));
    return message(`Size of volume '${volume.name}' successfully changed ${how} ${given}`, { volume: volume.name });
  },
};

/** Bytes that the file or device of a volume takes, as its description has them. */
async function physicalOf(volume: StorageVolume): Promise<bigint> {
  const physical = childOf(parseXml(await volume.getXMLDesc()), 'physical');
  return BigInt(physical?.textContent ?? (await volume.getInfo()).allocation);
}

const infoCommand: CommandDef = {
  name: 'vol-info',
  summary: 'storage vol information',
  options: [
    volumeOption,
    volumePoolOption,
    flag('bytes', 'show sizes in bytes'),
    flag('physical', 'show the size of the file or device in place of what is allocated of it'),
  ],
  async run(args, session) {
    const volume = await findVolume(args, session);
    const { type, capacity, allocation } = await volume.getInfo();
    const shown = (bytes: bigint) => (args.flag('bytes') ? `${bytes} bytes` : prettySize(bytes));
    return fields([
      ['Name', 'name', volume.name],
      ['Type', 'type', volumeTypeName(type)],
      ['Capacity', 'capacity', capacity, shown(capacity)],
      args.flag('physical')
        ? ['Physical', 'physical', await physicalOf(volume), shown(await physicalOf(volume))]
        : ['Allocation', 'allocation', allocation, shown(allocation)],
    ]);
  },
};

const dumpxmlCommand: CommandDef = {
  name: 'vol-dumpxml',
  summary: 'vol information in XML',
  options: [volumeOption, volumePoolOption, ...xpathOptions],
  async run(args, session) {
    return description(await (await findVolume(args, session)).getXMLDesc(), args);
  },
};

/** A command that shows one fact. @param inPool the volume may be looked for in one pool */
function fact(
  name: string,
  key: string,
  summary: string,
  get: (volume: StorageVolume) => Promise<string>,
  inPool = true,
): CommandDef {
  return {
    name,
    summary,
    options: inPool ? [volumeOption, volumePoolOption] : [volumeOption],
    async run(args, session) {
      const volume = await findVolume(args, session, inPool ? 'pool' : '');
      return single(key, await get(volume));
    },
  };
}

const poolCommand: CommandDef = {
  name: 'vol-pool',
  summary: 'returns the storage pool for a given volume key or path',
  options: [volumeOption, flag('uuid', 'return the pool uuid rather than pool name')],
  async run(args, session) {
    const volume = await findVolume(args, session, '');
    const pool = await (await session.connection()).storagePoolLookupByVolume(volume);
    return args.flag('uuid') ? single('uuid', pool.uuid) : single('pool', pool.name);
  },
};

/** Commands about storage volumes. */
export const volumeCommands: readonly CommandDef[] = [
  cloneCommand,
  createCommand,
  createAsCommand,
  createFromCommand,
  deleteCommand,
  dumpxmlCommand,
  infoCommand,
  fact('vol-key', 'key', 'returns the volume key for a given volume name or path', async (volume) => volume.key),
  listCommand,
  fact(
    'vol-name',
    'name',
    'returns the volume name for a given volume key or path',
    async (volume) => volume.name,
    false,
  ),
  fact('vol-path', 'path', 'returns the volume path for a given volume name or key', (volume) => volume.getPath()),
  poolCommand,
  resizeCommand,
  ...transferCommands,
  wipeCommand,
];
