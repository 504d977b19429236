import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { EngineKind } from '../../../cpu/index.ts';
import type { DiskOptions, MachineOptions } from '../../../drivers/index.ts';
import { MemBlock } from '../../../machine/index.ts';
import type { Logger } from '../../../util/index.ts';
import { assetPath } from '../../assets.ts';
import { defaultImageDirectory, readManifest } from '../../image/store.ts';
import { usageError } from '../command.ts';
import { plugIn } from './network.ts';
import type { RunOptions } from './options.ts';

/** The terminal as a guest may care about it. */
export interface Terminal {
  /** Somebody types and reads. */
  readonly interactive: boolean;
  readonly colour: boolean;
}

/** Guest of the package itself. */
const BUNDLED_GUEST = assetPath('guest/guest.elf');

/** Text in the first sector of the disk that the bundled guest gets when no other is given: its tour reads it. */
const SECTOR_TEXT = 'This sector came from a disk in memory, through virtio.\n';

function bundledDisk(): DiskOptions {
  const bytes = new Uint8Array(64 * 1024);
  bytes.set(Buffer.from(SECTOR_TEXT));
  return { backend: new MemBlock(bytes, { readOnly: true }), serial: 'bundled' };
}

/** What the bundled guest is told: on a terminal the tour and then its shell, else the tour alone. */
function bundledAppend({ interactive, colour }: Terminal): string {
  return ['tour', ...(interactive ? ['shell'] : []), ...(colour ? ['color'] : [])].join(' ');
}

function bundledGuest(options: RunOptions, terminal: Terminal): Partial<MachineOptions> {
  return {
    kernel: BUNDLED_GUEST,
    append: options.append ?? bundledAppend(terminal),
    memory: options.memory ?? '64M',
    // Several harts are part of what it shows; more than there are cores would only take longer.
    vcpus: options.vcpus ?? Math.max(2, Math.min(4, availableParallelism())),
    ...(options.disks.length === 0 ? { disks: [bundledDisk()] } : {}),
  };
}

async function pulledImage(
  image: string,
  options: RunOptions,
  env: NodeJS.ProcessEnv,
): Promise<Partial<MachineOptions>> {
  const named = image === 'debian';
  const directory = named ? defaultImageDirectory(image, env) : image;
  const manifest = await readManifest(directory);
  if (manifest === undefined) {
    const advice = named ? 'get it with "nodevisor image pull debian"' : 'make one with "nodevisor image pull debian"';
    throw usageError(`${named ? `image ${image}` : directory}: there is no image in ${directory}; ${advice}`);
  }
  return {
    kernel: join(directory, manifest.kernel),
    initrd: options.initrd ?? join(directory, manifest.initrd),
    append: [manifest.append, options.append ?? ''].join(' ').trim(),
  };
}

async function toRun(
  options: RunOptions,
  terminal: Terminal,
  env: NodeJS.ProcessEnv,
): Promise<Partial<MachineOptions>> {
  if (options.image !== undefined) return pulledImage(options.image, options, env);
  if (options.kernel !== undefined) return { kernel: options.kernel };
  if (options.pflash.length > 0) return {};
  if (options.firmware === 'builtin' && options.initrd === undefined) return bundledGuest(options, terminal);
  if (options.firmware === 'none')
    throw usageError('--firmware none: what is to start in M-mode? Give it with --kernel');
  return {};
}

/** The machine that the command line describes. @throws VirtError when an image is not there or options do not match */
export async function machineOptions(
  options: RunOptions,
  terminal: Terminal,
  env: NodeJS.ProcessEnv,
  logger: Logger,
): Promise<MachineOptions> {
  const { vcpus, memory, initrd, append, dtb, firmware, clock, disks, cdroms, pflash, nets } = options;
  const given: Partial<MachineOptions> = {
    ...(vcpus === undefined ? {} : { vcpus }),
    ...(memory === undefined ? {} : { memory }),
    ...(initrd === undefined ? {} : { initrd }),
    ...(append === undefined ? {} : { append }),
    ...(dtb === undefined ? {} : { dtb }),
    ...(disks.length === 0 ? {} : { disks }),
    ...(cdroms.length === 0 ? {} : { cdroms }),
    ...(pflash.length === 0 ? {} : { pflash }),
  };
  return {
    ...given,
    nets: await Promise.all(nets.map((net) => plugIn(net, env))),
    ...(await toRun(options, terminal, env)),
    firmware,
    clock,
    // An unknown name is refused there, with the list of those that exist.
    cpuBackend: options.cpuBackend as 'auto' | EngineKind,
    console: options.console === 'stdio' ? 'stream' : options.console === 'none' ? 'none' : { file: options.console },
    logger,
  };
}
