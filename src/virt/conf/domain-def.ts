/**
 * A domain's definition as plain data: inert, JSON values only, one field for each part of libvirt's domain XML that we
 * know, `extra` for what else an element held. Optional fields are absent, never undefined. The functions of this
 * folder take definitions and give new ones; they never change their argument.
 */
import type { EngineKind } from '../../cpu/index.ts';
import type { DeviceDefs } from './device-def.ts';
import type { Extensible, XmlElement } from './xml-node.ts';

/** `<domain>`. */
export interface DomainDef extends Extensible {
  /** `@type`: `qemu` is emulation, the one type there is here. */
  type: string;
  name: string;
  /** Lower case, with hyphens. */
  uuid?: string;
  /** One line. */
  title?: string;
  description?: string;
  /** What is in `<metadata>`, without our own element. */
  metadata?: XmlElement[];
  /** Our own element in `<metadata>`, `<nodevisor:machine xmlns:nodevisor='https://nodevisor.dev/schemas/domain/1.0'>`. */
  nodevisor?: NodevisorDef;
  /** `<memory>`: RAM at boot in KiB. */
  memory: number;
  /** `<currentMemory>` in KiB. */
  currentMemory?: number;
  vcpu?: VcpuDef;
  cputune?: CpuTuneDef;
  os: OsDef;
  features?: FeaturesDef;
  cpu?: CpuDef;
  clock?: ClockDef;
  on_poweroff?: LifecycleAction;
  on_reboot?: LifecycleAction;
  on_crash?: LifecycleAction | 'coredump-destroy' | 'coredump-restart';
  pm?: PmDef;
  devices: DeviceDefs;
}

/** A definition with what `fillDomainDefaults` fills in. */
export type FilledDomainDef = DomainDef &
  Required<Pick<DomainDef, 'uuid' | 'currentMemory' | 'vcpu' | 'clock' | 'on_poweroff' | 'on_reboot' | 'on_crash'>>;

/** What one may do when the guest ends in one way or another. */
export type LifecycleAction = 'destroy' | 'restart' | 'preserve' | 'rename-restart';

/** How the machine runs: what libvirt's XML has no words for. */
export interface NodevisorDef extends Extensible {
  /** `@cpu-backend`; absent: the fastest there is. */
  cpuBackend?: 'auto' | EngineKind;
  /** `@clock`: `host` (default) is real time, `virtual` one thread and deterministic. */
  clock?: 'host' | 'virtual';
  /** `@firmware` when there is no `<loader>`: `builtin` (default) serves SBI, `none` starts the kernel in M-mode. */
  firmware?: 'builtin' | 'none';
  /** `@seed` of the machine's randomness, 0 … 2^32 − 1. */
  seed?: number;
}

/** `<vcpu>`. */
export interface VcpuDef extends Extensible {
  /** The text: the most there can be. */
  max: number;
  /** `@current`: how many there are at boot; absent: all. */
  current?: number;
  placement?: 'static' | 'auto';
  /** Host CPUs like `0-3,^2`. */
  cpuset?: string;
}

/** `<cputune>`. */
export interface CpuTuneDef extends Extensible {
  shares?: number;
  vcpupins: VcpuPinDef[];
  emulatorpin?: { cpuset: string } & Extensible;
}

/** `<vcpupin>`. */
export interface VcpuPinDef extends Extensible {
  vcpu: number;
  cpuset: string;
}

/** `<os>`. */
export interface OsDef extends Extensible {
  /** `@firmware`: `efi` or `bios`, which we do not choose ourselves. */
  firmware?: string;
  /** `<type>`: `hvm`, with `@arch` and `@machine`. */
  type: { value: string; arch?: string; machine?: string } & Extensible;
  loader?: LoaderDef;
  nvram?: { path?: string; template?: string } & Extensible;
  kernel?: string;
  initrd?: string;
  cmdline?: string;
  dtb?: string;
  /** `<boot dev>`, in order. */
  boot: ({ dev: 'hd' | 'cdrom' | 'network' | 'fd' } & Extensible)[];
  bootmenu?: { enable: boolean; timeout?: number } & Extensible;
}

/** `<loader>`: firmware. */
export interface LoaderDef extends Extensible {
  path?: string;
  readonly?: boolean;
  type?: 'rom' | 'pflash';
  secure?: boolean;
  format?: string;
}

/** `<features>`: the ones clients send without being asked; the others are in `extra`. */
export interface FeaturesDef extends Extensible {
  acpi?: true;
  apic?: true;
  pae?: true;
}

/** `<cpu>`. */
export interface CpuDef extends Extensible {
  mode?: 'custom' | 'host-model' | 'host-passthrough' | 'maximum';
  match?: 'minimum' | 'exact' | 'strict';
  check?: 'none' | 'partial' | 'full';
  migratable?: boolean;
  model?: { name: string; fallback?: 'allow' | 'forbid' } & Extensible;
  topology?: { sockets: number; dies?: number; clusters?: number; cores: number; threads: number } & Extensible;
}

/** `<clock>`. */
export interface ClockDef extends Extensible {
  offset: 'utc' | 'localtime' | 'timezone' | 'variable' | 'absolute';
  timezone?: string;
  /** Seconds, with `variable`. */
  adjustment?: string;
  basis?: string;
  start?: string;
  timers: ({ name: string; present?: boolean; tickpolicy?: string } & Extensible)[];
}

/** `<pm>`. */
export interface PmDef extends Extensible {
  suspendToMem?: { enabled: boolean } & Extensible;
  suspendToDisk?: { enabled: boolean } & Extensible;
}
