import type { HypervisorCpu, TypedParam } from '../../../../virt/index.ts';
import type { CommandArgs } from '../arguments.ts';
import { type CommandDef, flag, integer, type OptionDef, text } from '../definition.ts';
import { attempt, UsageFailure } from '../failure.ts';
import { readTextFile } from '../files.ts';
import { findDomain } from '../lookup.ts';
import { document, lines, type Output, SILENT } from '../output.ts';
import { paramFacts } from '../typed-params.ts';
import { childrenOf, parseXml, serialize } from '../xml.ts';

const modelsCommand: CommandDef = {
  name: 'cpu-models',
  summary: 'CPU models of an architecture',
  options: [text('arch', 'architecture', { required: true, complete: ['riscv64'] })],
  async run(args, session) {
    const names = (await session.connection()).getCPUModelNames(args.need('arch'));
    return lines(await attempt('failed to get CPU model names', names));
  },
};

const cpuFileOption = text('file', 'file containing an XML CPU description', { required: true, complete: 'file' });

/** The `<cpu>` elements of a file, wherever in it they are. Throws UsageFailure when there are none. */
async function cpusOf(file: string): Promise<readonly string[]> {
  const xml = await readTextFile(file);
  const found: string[] = [];
  const walk = (element: ReturnType<typeof parseXml>): void => {
    if (element.nodeName === 'cpu') found.push(serialize(element));
    else for (const child of childrenOf(element)) walk(child);
  };
  try {
    // Several descriptions may be in one file, one after the other.
    walk(parseXml(`<container>${xml.replace(/<\?xml[^?]*\?>/g, '')}</container>`));
  } catch {
    throw new UsageFailure(`Failed to parse XML of file '${file}'`);
  }
  if (found.length > 0) return found;
  throw new UsageFailure(
    `File '${file}' does not contain any <cpu> element or valid domain XML, host capabilities XML, or domain capabilities XML`,
  );
}

/** virCPUCompareResult: incompatible, identical, superset. */
const COMPARISONS = ['incompatible', 'identical', 'superset'] as const;
const FAIL_INCOMPATIBLE = 1;
const VALIDATE = 2;

const compareOptions: readonly OptionDef[] = [
  flag('error', 'report error if CPUs are incompatible'),
  flag('validate', 'validate the XML document against schema'),
];

function compareFlags(args: CommandArgs): number {
  return (args.flag('error') ? FAIL_INCOMPATIBLE : 0) | (args.flag('validate') ? VALIDATE : 0);
}

function comparison(result: number, file: string, what: string): Output {
  const name = COMPARISONS[result] ?? 'incompatible';
  const said = {
    incompatible: `CPU described in ${file} is incompatible with ${what}`,
    identical: `CPU described in ${file} is identical to ${what}`,
    superset: `${what === 'host CPU' ? 'Host CPU' : `The ${what.slice(4)}`} is a superset of CPU described in ${file}`,
  }[name];
  return { text: `${said}\n`, json: { message: said, result: name }, status: name === 'incompatible' ? 1 : 0 };
}

const compareCommand: CommandDef = {
  name: 'cpu-compare',
  summary: 'compare host CPU with a CPU described by an XML file',
  options: [cpuFileOption, ...compareOptions],
  async run(args, session) {
    const file = args.need('file');
    const [cpu = ''] = await cpusOf(file);
    const compared = (await session.connection()).compareCPU(cpu, compareFlags(args));
    return comparison(await attempt(`Failed to compare host CPU with ${file}`, compared), file, 'host CPU');
  },
};

const hypervisorOptions: readonly OptionDef[] = [
  text('virttype', 'virtualization type (/domain/@type)'),
  text('emulator', 'path to emulator binary (/domain/devices/emulator)', { complete: 'file' }),
  text('arch', 'CPU architecture (/domain/os/type/@arch)', { complete: ['riscv64'] }),
  text('machine', 'machine type (/domain/os/type/@machine)', { complete: ['virt'] }),
];

function hypervisorOf(args: CommandArgs): HypervisorCpu {
  const given = (['virttype', 'emulator', 'arch', 'machine'] as const).flatMap((name) => {
    const value = args.text(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(given);
}

const hypervisorCompareCommand: CommandDef = {
  name: 'hypervisor-cpu-compare',
  summary: 'compare a CPU with the CPU created by a hypervisor on the host',
  options: [cpuFileOption, ...hypervisorOptions, ...compareOptions],
  async run(args, session) {
    const file = args.need('file');
    const [cpu = ''] = await cpusOf(file);
    const connection = await session.connection();
    const compared = connection.compareHypervisorCPU(cpu, hypervisorOf(args), compareFlags(args));
    const failed = `Failed to compare hypervisor CPU with ${file}`;
    return comparison(await attempt(failed, compared), file, 'the CPU provided by hypervisor on the host');
  },
};

const EXPAND_FEATURES = 1;
const MIGRATABLE = 2;
const baselineOptions: readonly OptionDef[] = [
  flag('features', 'show features that are part of the CPU model type'),
  flag('migratable', 'do not include features that block migration'),
];

function baselineFlags(args: CommandArgs): number {
  return (args.flag('features') ? EXPAND_FEATURES : 0) | (args.flag('migratable') ? MIGRATABLE : 0);
}

const baselineCommand: CommandDef = {
  name: 'cpu-baseline',
  summary: 'compute baseline CPU',
  options: [
    text('file', 'file containing XML CPU descriptions', { required: true, complete: 'file' }),
    ...baselineOptions,
  ],
  async run(args, session) {
    const cpus = await cpusOf(args.need('file'));
    return document(await (await session.connection()).baselineCPU(cpus, baselineFlags(args)));
  },
};

const hypervisorBaselineCommand: CommandDef = {
  name: 'hypervisor-cpu-baseline',
  summary: 'compute baseline CPU usable by a specific hypervisor',
  options: [
    text('file', 'file containing XML CPU descriptions', { complete: 'file' }),
    ...hypervisorOptions,
    ...baselineOptions,
    text('model', 'shortcut for calling the command with a single CPU model and no additional features'),
  ],
  async run(args, session) {
    args.exclusive('file', 'model');
    const [file, model] = [args.text('file'), args.text('model')];
    if (file === undefined && model === undefined) throw new UsageFailure('Either --file or --model must be provided');
    const cpus = model === undefined ? await cpusOf(file ?? '') : [`<cpu><model>${model}</model></cpu>`];
    const connection = await session.connection();
    return document(await connection.baselineHypervisorCPU(cpus, hypervisorOf(args), baselineFlags(args)));
  },
};

const formatOption = text('format', 'configuration data format', { required: true });

const fromNativeCommand: CommandDef = {
  name: 'domxml-from-native',
  summary: 'convert native config to domain XML',
  options: [formatOption, text('config', 'config data file', { required: true, complete: 'file' })],
  async run(args, session) {
    const config = await readTextFile(args.need('config'));
    return document(await (await session.connection()).domainXMLFromNative(args.need('format'), config));
  },
};

const toNativeCommand: CommandDef = {
  name: 'domxml-to-native',
  summary: 'convert domain XML to native config',
  options: [
    formatOption,
    text('domain', 'domain name, id or uuid', { named: true, complete: 'domain' }),
    text('xml', 'domain XML file', { complete: 'file' }),
  ],
  async run(args, session) {
    args.exclusive('domain', 'xml');
    const file = args.text('xml');
    if (file === undefined && !args.flag('domain')) throw new UsageFailure('need either domain or domain XML');
    const xml = file === undefined ? await (await findDomain(args, session)).getXMLDesc() : await readTextFile(file);
    return document(await (await session.connection()).domainXMLToNative(args.need('format'), xml));
  },
};

const MEMORY_PARAMETERS = ['shm-pages-to-scan', 'shm-sleep-millisecs', 'shm-merge-across-nodes'] as const;

const memoryTuneCommand: CommandDef = {
  name: 'node-memory-tune',
  summary: 'get or set how the host merges equal pages of memory',
  options: [
    integer('shm-pages-to-scan', 'pages to scan before the scanner sleeps'),
    integer('shm-sleep-millisecs', 'milliseconds it sleeps'),
    integer('shm-merge-across-nodes', 'whether pages of different NUMA cells are merged: 1 or 0'),
  ],
  async run(args, session) {
    const wanted = MEMORY_PARAMETERS.flatMap((name): readonly TypedParam[] => {
      const value = args.number(name);
      return value === undefined ? [] : [{ field: name.replaceAll('-', '_'), type: 'uint', value }];
    });
    const connection = await session.connection();
    if (wanted.length > 0) {
      await attempt('Unable to change memory parameters', connection.setMemoryParameters(wanted));
      return SILENT;
    }
    const params = await attempt('Unable to get number of memory parameters', connection.getMemoryParameters());
    const shown = params.map(({ field, value }) => `\t${field.padEnd(15)} ${value}\n`);
    return {
      text: `Shared memory:\n${shown.join('')}`,
      json: paramFacts(params),
    };
  },
};

/** Commands about CPUs that domains may have, configurations of other hypervisors, and the host's memory. */
export const hostCpuCommands: readonly CommandDef[] = [
  baselineCommand,
  compareCommand,
  fromNativeCommand,
  hypervisorBaselineCommand,
  hypervisorCompareCommand,
  memoryTuneCommand,
  modelsCommand,
  toNativeCommand,
];
