import { availableParallelism, freemem, release, totalmem } from 'node:os';
import { type EngineKind, fileLocks, usableEngines } from '../../../cpu/index.ts';
import { createSharedMemory } from '../../../hypervisor/index.ts';
import { hostNetworks, RAM_BYTES_LIMIT } from '../../../machine/index.ts';
import { defaultImageDirectory, readManifest } from '../../image/store.ts';
import { type Args, type CommandDef, type Context, ExitCode } from '../command.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** Nothing runs without it. */
  readonly required?: boolean;
}

/** What `doctor` reports. */
export interface Diagnosis {
  readonly backends: readonly (Finding & { readonly auto: boolean })[];
  readonly host: readonly Finding[];
  /** Networks of the host's; `user` and those between machines need nothing. */
  readonly networks: readonly Finding[];
  readonly images: readonly Finding[];
}

/** Every backend that the project knows, also those that are not in this build, fastest first. */
const BACKENDS: readonly EngineKind[] = ['native', 'wasm', 'interpreter'];

const MIB = 2 ** 20;
const GIB = 2 ** 30;

function backends(): Diagnosis['backends'] {
  const engines = usableEngines();
  const auto = engines.find((engine) => engine.usable)?.kind;
  return BACKENDS.map((name) => {
    const engine = engines.find(({ kind }) => kind === name);
    if (engine === undefined) return { name, ok: false, auto: false, detail: 'not part of this version' };
    const detail = engine.usable ? 'works' : engine.reason;
    return { name, ok: engine.usable, auto: name === auto, detail };
  });
}

/** Tries to reserve the one shared memory that a machine lives in; no page is used until it is touched. */
function largestMachine(): Finding {
  const name = 'shared memory';
  for (const ramBytes of [RAM_BYTES_LIMIT, 2 * GIB, GIB, GIB / 2]) {
    try {
      createSharedMemory({ ramBytes });
      return { name, ok: true, required: true, detail: `a machine can have ${Math.floor(ramBytes / MIB)} MiB of RAM` };
    } catch {
      // Address space or a limit forbids it: try less.
    }
  }
  return { name, ok: false, required: true, detail: 'there is no room for a machine with 512 MiB of RAM' };
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return { name: 'Node.js', ok, required: true, detail: `${process.version}${ok ? '' : ', needs 20.19 or later'}` };
}

function imageLocks(): Finding {
  const name = 'image locks';
  if (process.platform !== 'linux')
    return { name, ok: false, detail: 'between machines of ours; QEMU does not see them' };
  if (fileLocks() !== undefined) return { name, ok: true, detail: 'QEMU sees ours, and we see its' };
  return { name, ok: false, detail: 'between machines of ours; those that QEMU sees need the native addon' };
}

function host(): Finding[] {
  const waitAsync = typeof (Atomics as { waitAsync?: unknown }).waitAsync === 'function';
  const cores = availableParallelism();
  const memory = `${(totalmem() / GIB).toFixed(1)} GiB, ${(freemem() / GIB).toFixed(1)} GiB free`;
  return [
    nodeVersion(),
    { name: 'system', ok: true, detail: `${process.platform} ${release()}, ${process.arch}` },
    {
      name: 'SharedArrayBuffer',
      ok: typeof SharedArrayBuffer === 'function',
      required: true,
      detail: 'memory that vCPU threads share',
    },
    { name: 'Atomics.waitAsync', ok: waitAsync, required: true, detail: 'devices wake without polling' },
    largestMachine(),
    { name: 'cores', ok: true, detail: `${cores}: that many vCPUs run at once` },
    { name: 'memory', ok: true, detail: memory },
    imageLocks(),
  ];
}

async function images(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const directory = defaultImageDirectory('debian', env);
  const manifest = await readManifest(directory).catch((error: Error) => error);
  if (manifest instanceof Error) return [{ name: 'debian', ok: false, detail: manifest.message }];
  if (manifest === undefined) {
    return [{ name: 'debian', ok: false, detail: `not in ${directory}; get it with "nodevisor image pull debian"` }];
  }
  return [{ name: 'debian', ok: true, detail: `${manifest.title}, in ${directory}` }];
}

function print(diagnosis: Diagnosis): string {
  const line = ({ name, ok, detail }: Finding, more = '') =>
    `  ${ok ? 'yes' : 'no '}  ${name.padEnd(18)} ${detail}${more}\n`;
  return [
    'CPU backends\n',
    ...diagnosis.backends.map((b) => line(b, b.auto ? '; what "auto" takes' : '')),
    'Host\n',
    ...diagnosis.host.map((f) => line(f)),
    'Networks of the host (--net user needs none)\n',
    ...diagnosis.networks.map((f) => line(f)),
    'Images\n',
    ...diagnosis.images.map((f) => line(f)),
  ].join('');
}

/** `nodevisor doctor`. */
export const doctorCommand: CommandDef = {
  path: ['doctor'],
  summary: 'say what works on this host, and why not the rest',
  arguments: [],
  options: [{ flags: '--json', help: 'for programs' }],
  async run(args: Args, context: Context): Promise<number> {
    const diagnosis: Diagnosis = {
      backends: backends(),
      host: host(),
      networks: hostNetworks(context.env),
      images: await images(context.env),
    };
    context.stdout.write(args.flag('json') ? `${JSON.stringify(diagnosis, null, 2)}\n` : print(diagnosis));
    const able = diagnosis.backends.some((b) => b.ok) && diagnosis.host.every((f) => f.ok || f.required !== true);
    return able ? ExitCode.OK : ExitCode.FAILURE;
  },
};
