/** Definitions as one writes them by hand. */
import type { DeviceDefs } from './device-def.ts';
import type { DeviceKind } from './devices.ts';
import type { DomainDef, OsDef } from './domain-def.ts';
import type { NetworkDef } from './network-def.ts';
import type { DomainSnapshotDef } from './snapshot.ts';

/** A definition of which every list may be absent where it is empty, all the way down. */
export type Input<T> = T extends readonly (infer E)[]
  ? readonly Input<E>[]
  : T extends object
    ? { [K in keyof T as IsList<T[K]> extends true ? never : K]: K extends Kept ? T[K] : Input<T[K]> } & {
        [K in keyof T as IsList<T[K]> extends true ? K : never]?: K extends Kept ? T[K] : Input<NonNullable<T[K]>>;
      }
    : T;

type IsList<T> = NonNullable<T> extends readonly unknown[] ? true : false;

/** XML is as it is. */
type Kept = 'extra' | 'metadata';

/** A domain: `type` is `qemu` and `<os><type>` is `hvm` unless it says otherwise. */
export type DomainInput = Omit<Input<DomainDef>, 'type' | 'os' | 'devices'> & {
  type?: string;
  os: Omit<Input<OsDef>, 'type'> & { type?: OsDef['type'] };
  devices?: Partial<Input<DeviceDefs>>;
};

/** One device with its kind: `{ kind: 'disks', def: { target: { dev: 'vda' } … } }`. */
export type DeviceInput = { [K in DeviceKind]: { kind: K; def: Input<DeviceDefs[K][number]> } }[DeviceKind];

/** A snapshot. */
export type SnapshotInput = Input<DomainSnapshotDef>;

/** A network. */
export type NetworkInput = Input<NetworkDef>;

/** The definition that an input stands for, but for lists that are absent: they are written as if they were empty. */
export function completeInput(input: DomainInput): DomainDef {
  const { type = 'qemu', os } = input;
  return { ...input, type, os: { ...os, type: os.type ?? { value: 'hvm' } } } as unknown as DomainDef;
}
