import { Priv } from '../../isa/index.ts';
import { VirtError } from '../../util/index.ts';
import type { Image, ImageFile, MachineConfig } from '../config.ts';
import { memoryMap } from '../memory-map.ts';
import { type BoardDevice, buildDeviceTree, type Chosen, type IsaDescription, patchChosen } from './device-tree.ts';
import type { FdtBuilder } from './fdt.ts';
import { parseFdt } from './fdt-read.ts';
import { fileError } from './loader/bytes.ts';
import { loadFirmware, loadKernel } from './loader/kernel.ts';
import { placeDtb, placeInitrd } from './loader/place.ts';
import { type LoadedImage, type LoadPlan, type MachineSymbol, RamMap } from './loader/plan.ts';

/** What a boot depends on. */
export interface BootInput {
  readonly config: MachineConfig;
  readonly isa: IsaDescription;
  /** Every device on the board: each adds its node. */
  readonly devices: readonly BoardDevice[];
  /** Goes to `/chosen/rng-seed`; 32 bytes are customary. */
  readonly rngSeed: Uint8Array;
}

/** How one hart is before its first instruction. */
export interface HartEntry {
  /** False: stopped, until SBI HSM starts it; the rest does not matter then. */
  readonly started: boolean;
  readonly priv: Priv;
  readonly pc: number;
  /** a0: hart id, a1: device tree, a2: fw_dynamic_info or 0. */
  readonly a0: number;
  readonly a1: number;
  readonly a2: number;
}

/** A device tree in guest memory. */
export interface PlacedDtb {
  readonly gpa: number;
  readonly bytes: Uint8Array;
}

/** Memory and harts at power-on. */
export interface BootPlan extends LoadPlan {
  /** Contents of the read-only memory at `memoryMap.mrom`, from its start; the rest of it is zero. */
  readonly mrom: Uint8Array;
  /** By hart id. */
  readonly harts: readonly HartEntry[];
  /** The device tree as the guest gets it (it is among the writes too). */
  readonly dtb: PlacedDtb;
  /** What is probably not as it was meant, for people. */
  readonly doubts: readonly string[];
  /** Symbols of the kernel's ELF that speak of HTIF and signature. */
  readonly symbols: Partial<Record<MachineSymbol, number>>;
}

/** OpenSBI's struct fw_dynamic_info (include/sbi/fw_dynamic.h): six 64-bit words. */
const FW_DYNAMIC = { MAGIC: 0x4942534fn, VERSION: 2n, MODE_S: 1n } as const;

function fwDynamicInfo(nextEntry: number, bootHart: number): Uint8Array {
  const out = new DataView(new ArrayBuffer(48));
  const options = 0n;
  [FW_DYNAMIC.MAGIC, FW_DYNAMIC.VERSION, BigInt(nextEntry), FW_DYNAMIC.MODE_S, options, BigInt(bootHart)].forEach(
    (word, i) => {
      out.setBigUint64(i * 8, word, true);
    },
  );
  return new Uint8Array(out.buffer);
}

/** Where a supervisor is entered. QEMU's virt board takes a kernel linked at virtual addresses by its lowest one. */
function supervisorEntry(kernel: LoadedImage): number {
  return kernel.virtualEntry ? kernel.start : kernel.entry;
}

/** Without a kernel what is in the first bank of flash is started in its place. */
function startsInFlash({ kernel, flash = [] }: MachineConfig): boolean {
  return kernel === undefined && flash.length > 0;
}

interface Placed {
  readonly firmware: LoadedImage | undefined;
  readonly kernel: LoadedImage | undefined;
  readonly map: RamMap;
}

function placeImages(config: MachineConfig): Placed {
  const ram = { gpa: memoryMap.ram.gpa, bytes: config.ramBytes };
  const map = new RamMap(ram);
  const kind = config.firmware.kind;
  const firmware = kind === 'file' ? loadFirmware(config.firmware.image, ram) : undefined;
  if (firmware !== undefined) map.claim(`firmware ${firmware.name}`, firmware.start, firmware.end);
  if (config.kernel === undefined && kind !== 'file' && !startsInFlash(config)) {
    throw new VirtError('INVALID_ARG', `nothing to run: firmware '${kind}' needs a kernel`);
  }
  const kernel = config.kernel === undefined ? undefined : loadKernel(config.kernel, ram);
  if (kernel !== undefined) map.claim(`kernel ${kernel.name}`, kernel.start, kernel.end);
  if (kind === 'none' && kernel?.efi) {
    throw new VirtError(
      'INVALID_ARG',
      `${kernel.name}: a kernel for S-mode would do nothing without firmware, which starts it in M-mode: take 'builtin'`,
    );
  }
  return { firmware, kernel, map };
}

/** A device tree of the user's, or the board's own; `chosen` is set in either when it is called. */
function treeSource(input: BootInput): (initrd: Chosen['initrd'], rngSeed: Uint8Array) => FdtBuilder {
  const { config, isa, devices } = input;
  const bootargs = config.append;
  if (config.dtb === undefined) {
    const { vcpus, ramBytes } = config;
    return (initrd, rngSeed) =>
      buildDeviceTree({ vcpus, ramBytes, isa, devices, chosen: { bootargs, initrd, rngSeed } });
  }
  const tree = parseFdt(config.dtb);
  return (initrd) => {
    patchChosen(tree, { bootargs, initrd });
    return tree;
  };
}

function placeRest(
  input: BootInput,
  { kernel, map }: Placed,
): { dtb: BootPlan['dtb']; initrd?: Pick<LoadPlan, 'files' | 'writes'> } {
  const image: Image | ImageFile | undefined = input.config.initrd;
  const tree = treeSource(input);
  const placed = (gpa: number, initrd: Chosen['initrd']): PlacedDtb => ({
    gpa,
    bytes: tree(initrd, input.rngSeed).build(),
  });
  // The addresses in the tree have a fixed size: one with any initrd has the length of the final one.
  const some = image === undefined ? undefined : { start: 0, end: 0 };
  const dtbGpa = placeDtb(map, tree(some, input.rngSeed).build().length);
  if (image === undefined) return { dtb: placed(dtbGpa, undefined) };
  if (kernel === undefined) throw fileError(image, 'an initrd without a kernel');
  const gpa = placeInitrd(map, image, kernel, dtbGpa);
  const inFile = 'read' in image;
  const dtb = placed(dtbGpa, { start: gpa, end: gpa + (inFile ? image.length : image.bytes.length) });
  return {
    dtb,
    initrd: inFile ? { files: [{ gpa, file: image }], writes: [] } : { writes: [{ gpa, bytes: image.bytes }] },
  };
}

function hartEntries(config: MachineConfig, placed: Placed, dtb: number): HartEntry[] {
  const { firmware, kernel } = placed;
  return Array.from({ length: config.vcpus }, (_, a0) => {
    if (firmware !== undefined) {
      return { started: true, priv: Priv.M, pc: firmware.entry, a0, a1: dtb, a2: memoryMap.mrom.gpa };
    }
    const builtin = config.firmware.kind === 'builtin';
    const inFlash = startsInFlash(config);
    // placeImages has made sure that there is a kernel, if not.
    const pc = inFlash ? memoryMap.flash.gpa : builtin ? supervisorEntry(kernel!) : kernel!.entry;
    return { started: !builtin || a0 === 0, priv: builtin ? Priv.S : Priv.M, pc, a0, a1: dtb, a2: 0 };
  });
}

function doubtsOf({ firmware }: MachineConfig, kernel: LoadedImage | undefined): string[] {
  if (firmware.kind !== 'none' || kernel?.format !== 'image') return [];
  return [`${kernel.name}: without firmware it starts in M-mode, where most kernels show nothing`];
}

/**
 * Everything a machine needs to boot: images, initrd and device tree placed in RAM, and the harts' first state.
 * `builtin`: hart 0 in the kernel in S-mode, the others stopped. `none`: all harts at the kernel's entry in M-mode.
 * `file`: all harts at the firmware's entry in M-mode, with the kernel as fw_dynamic's next stage. Where there is no
 * kernel but flash, the start of its first bank is the kernel's entry.
 * @throws VirtError naming the file and the reason: bad, for another machine, does not fit.
 */
export function planBoot(input: BootInput): BootPlan {
  const { config } = input;
  const placed = placeImages(config);
  const { firmware, kernel } = placed;
  const { dtb, initrd } = placeRest(input, placed);
  const images = [firmware, kernel].filter((image) => image !== undefined);
  const plans = [...images.map(({ plan }) => plan), ...(initrd ? [initrd] : [])];
  const flash = startsInFlash(config) ? memoryMap.flash.gpa : 0;
  const next = kernel === undefined ? flash : supervisorEntry(kernel);
  return {
    zeros: images.flatMap((image) => image.plan.zeros),
    files: plans.flatMap(({ files = [] }) => files),
    writes: [...plans.flatMap(({ writes }) => writes), dtb],
    mrom: firmware === undefined ? new Uint8Array() : fwDynamicInfo(next, 0),
    harts: hartEntries(config, placed, dtb.gpa),
    dtb,
    doubts: doubtsOf(config, kernel),
    symbols: kernel?.symbols ?? {},
  };
}
