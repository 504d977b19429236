/** The signatures of this folder's functions, which index.ts exports; the implementations replace them file by file. */
import type { MachineOptions } from '../../drivers/index.ts';
import type { RandomSource } from '../../util/index.ts';
import type { DeviceDefs } from './device-def.ts';
import type { DomainDef, DomainInput, FilledDomainDef } from './domain-def.ts';

/** Where the defaults come from. */
export interface DefaultsContext {
  random: RandomSource;
  /** Path for `<emulator>`. */
  emulator: string;
}
/** What the host can do; the ground for the capabilities documents and for `validateDomain`. */
export interface HostCapabilities {
  /** Of the host. */
  uuid: string;
  /** `x86_64` … */
  arch: string;
  cpus: number;
  memoryKib: number;
  emulator: string;
  maxVcpus: number;
  maxMemoryKib: number;
}
export interface DomainFormatOptions {
  /** DomainXml.SECURE: with passwords. */
  secure?: boolean;
  /** DomainXml.INACTIVE: without id, aliases, ttys. */
  inactive?: boolean;
  /** Id of a running domain. */
  id?: number;
}
/** One device with its kind: `{ kind: 'disks', def }`. */
export type DeviceDef = {
  [K in Exclude<keyof DeviceDefs, 'emulator' | 'extra'>]: { kind: K; def: DeviceDefs[K][number] };
}[Exclude<keyof DeviceDefs, 'emulator' | 'extra'>];
/** Throws XML_ERROR, CONFIG_UNSUPPORTED. */
export declare function parseDomain(xml: string): DomainDef;
export declare function fillDomainDefaults(def: DomainDef, context: DefaultsContext): FilledDomainDef;
export declare function validateDomain(def: DomainDef, host: HostCapabilities): void;
export declare function formatDomain(def: DomainInput, options?: DomainFormatOptions): string;
export declare function parseDevice(xml: string): DeviceDef;
export declare function formatDevice(device: DeviceDef, options?: DomainFormatOptions): string;
/** The definition of the running domain: with aliases, and the ttys by alias (`serial0`). */
export declare function makeLive(def: FilledDomainDef, ttys?: Readonly<Record<string, string>>): FilledDomainDef;
/** What the machine is made from; `notices` names what the guest does not get, for domainGetMessages. Throws CONFIG_UNSUPPORTED. */
export declare function toMachineOptions(def: FilledDomainDef): { options: MachineOptions; notices: string[] };
/** Metadata ELEMENT by uri, `undefined` when absent. */
export declare function getMetadata(def: DomainDef, uri: string): string | undefined;
/** Sets or (xml undefined) removes. */
export declare function setMetadata(
  def: DomainDef,
  uri: string,
  key: string | undefined,
  xml: string | undefined,
): DomainDef;
export declare function formatCapabilities(host: HostCapabilities): string;
export declare function formatDomainCapabilities(host: HostCapabilities): string;
export declare function formatPoolCapabilities(): string;
