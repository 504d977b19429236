import type { MmioDevice } from '../device.ts';
import { memoryMap, TIMEBASE_HZ } from '../memory-map.ts';
import { FdtBuilder, type FdtTreeNode } from './fdt.ts';

/** What the harts implement, as the `riscv,…` properties say it (Linux, Documentation/devicetree/bindings/riscv). */
export interface IsaDescription {
  /** `riscv,isa`: the whole ISA string. */
  readonly isa: string;
  /** `riscv,isa-base`: `rv64i`. */
  readonly base: string;
  /** `riscv,isa-extensions`: one name each. */
  readonly extensions: readonly string[];
  /** `mmu-type`: `riscv,sv57` and the like. */
  readonly mmuType: string;
  /** Bytes of a cache block as cbo.* sees it; properties are written for those of Zicbom and Zicboz that are there. */
  readonly cacheBlockBytes: number;
}

/** What firmware and kernel are told under `/chosen`. */
export interface Chosen {
  /** Kernel command line. */
  readonly bootargs?: string | undefined;
  /** Guest physical addresses, `end` exclusive. */
  readonly initrd?: { readonly start: number; readonly end: number } | undefined;
  /** Seed for the kernel's random numbers; it is used once. */
  readonly rngSeed?: Uint8Array | undefined;
}

/** A device on the board, with its interrupt number at the PLIC (0: none). */
export interface BoardDevice {
  readonly device: Pick<MmioDevice, 'describe'>;
  readonly irq: number;
}

/** All the device tree depends on. */
export interface DeviceTreeInput {
  readonly vcpus: number;
  readonly ramBytes: number;
  readonly isa: IsaDescription;
  /** Every device on the board, the interrupt controllers included. */
  readonly devices: readonly BoardDevice[];
  readonly chosen: Chosen;
}

/** Adds the harts; gives the phandles of their interrupt controllers by hart id. */
function describeCpus(root: FdtTreeNode, vcpus: number, isa: IsaDescription): number[] {
  const cpus = root.child('cpus').set('#address-cells', [1]).set('#size-cells', [0]);
  cpus.set('timebase-frequency', [TIMEBASE_HZ]);
  const intcs: number[] = [];
  const cluster: { cpu: number }[] = [];
  for (let id = 0; id < vcpus; id++) {
    const cpu = cpus
      .child(`cpu@${id.toString(16)}`)
      .set('device_type', 'cpu')
      .set('reg', [id])
      .set('status', 'okay');
    cpu.set('compatible', 'riscv').set('riscv,isa', isa.isa).set('riscv,isa-base', isa.base);
    cpu.set('riscv,isa-extensions', isa.extensions).set('mmu-type', isa.mmuType);
    if (isa.extensions.includes('zicbom')) cpu.set('riscv,cbom-block-size', [isa.cacheBlockBytes]);
    if (isa.extensions.includes('zicboz')) cpu.set('riscv,cboz-block-size', [isa.cacheBlockBytes]);
    const intc = cpu.child('interrupt-controller').set('compatible', 'riscv,cpu-intc');
    intc.set('interrupt-controller').set('#interrupt-cells', [1]).set('#address-cells', [0]);
    intcs.push(intc.phandle);
    cluster.push({ cpu: cpu.phandle });
  }
  const map = cpus.child('cpu-map').child('cluster0');
  cluster.forEach(({ cpu }, id) => {
    map.child(`core${id}`).set('cpu', [cpu]);
  });
  return intcs;
}

/** The first child of `soc` that is compatible with `kind`. */
function compatible(soc: FdtTreeNode, kind: string): FdtTreeNode | undefined {
  for (const node of soc.children) {
    const value = node.properties.get('compatible');
    if (value !== undefined && new TextDecoder().decode(value).split('\0').includes(kind)) return node;
  }
  return undefined;
}

function describeChosen(root: FdtTreeNode, chosen: Chosen): void {
  const node = root.get('chosen') ?? root.child('chosen');
  if (chosen.bootargs !== undefined) node.set('bootargs', chosen.bootargs);
  if (chosen.initrd !== undefined) {
    node.set64('linux,initrd-start', [chosen.initrd.start]).set64('linux,initrd-end', [chosen.initrd.end]);
  }
  if (chosen.rngSeed !== undefined) node.set('rng-seed', chosen.rngSeed);
}

/**
 * The board's device tree. Its length does not depend on the values under `chosen`, only on which are there and how
 * long bootargs and seed are. There is no `riscv,pmu` node: it maps events to programmable counters, and the harts
 * have none.
 */
export function buildDeviceTree(input: DeviceTreeInput): FdtBuilder {
  const tree = new FdtBuilder();
  const root = tree.root.set('#address-cells', [2]).set('#size-cells', [2]);
  root.set('compatible', 'riscv-virtio').set('model', 'riscv-virtio,nodevisor');
  describeChosen(root, input.chosen);
  const base = memoryMap.ram.gpa;
  const memory = root.child(`memory@${base.toString(16)}`).set('device_type', 'memory');
  memory.set64('reg', [base, input.ramBytes]);
  const cpuIntcPhandles = describeCpus(root, input.vcpus, input.isa);

  const soc = root.child('soc').set('#address-cells', [2]).set('#size-cells', [2]);
  soc.set('compatible', 'simple-bus').set('ranges');
  const plicPhandle = tree.allocatePhandle();
  for (const { device, irq } of input.devices) device.describe(soc, { plicPhandle, cpuIntcPhandles, irq, root });
  const uart = compatible(soc, 'ns16550a');
  if (uart !== undefined) {
    root.child('aliases').set('serial0', `/soc/${uart.name}`);
    root.get('chosen')?.set('stdout-path', `/soc/${uart.name}`);
  }
  return tree;
}

/** Puts what the user asked for into a device tree of the user's own; what is not given stays as it is there. */
export function patchChosen(tree: FdtBuilder, chosen: Chosen): void {
  describeChosen(tree.root, chosen);
}
