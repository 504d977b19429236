import type { NetOptions } from '../../drivers/index.ts';
import type { Lease } from '../../machine/index.ts';
import type { FilledNetworkDef } from '../conf/index.ts';

/** A network that runs. */
export interface RunningNetwork {
  /** A cable to it, for one interface of a machine. */
  cable(): NetOptions;
  /** Addresses that it has given out and that hold. */
  leases(): Lease[];
  /** Stations that were heard on it, as text; of several with one address the last. */
  neighbours(): { ip: string; mac: string }[];
  /** Hosts, ranges and names of its definition are others from now on. */
  update(def: FilledNetworkDef): void;
  /** Stops it. */
  close(): Promise<void>;
}

/** Runs networks. */
export interface NetworkDriver {
  /** Interfaces are really on its networks: their domains' live definitions name bridge and port. */
  readonly hasPorts: boolean;
  /** Starts a network. Throws CONFIG_UNSUPPORTED, with its name, for what no network here can be, OPERATION_FAILED. */
  start(def: FilledNetworkDef): Promise<RunningNetwork>;
  /** Documents of the networks that a process before this one ran till its end, once. */
  find(): Promise<string[]>;
  /** The definition of a network has gone: what was kept of it may go. */
  forget(uuid: string): Promise<void>;
  /** Closes all that run; a process after this one finds them again. */
  release(): Promise<void>;
}
