import type { NetOptions } from '../../drivers/index.ts';
import type { Lease } from '../../machine/index.ts';
import type { HostBridge } from '../conf/index.ts';
import type { RunningNetwork } from './network-driver.ts';

/**
 * A network that is a bridge of the host's: every interface has a tap device in it. Whether there is such a bridge is
 * seen when a domain starts, as with libvirt.
 */
export class BridgeNetwork implements RunningNetwork {
  readonly #bridge: HostBridge;

  constructor(bridge: HostBridge) {
    this.#bridge = bridge;
  }

  cable(): NetOptions {
    return { type: 'bridge', ...this.#bridge };
  }

  /** Whoever gives out addresses there is not known here. */
  leases(): Lease[] {
    return [];
  }

  neighbours(): { ip: string; mac: string }[] {
    return [];
  }

  update(): void {}

  async close(): Promise<void> {}
}
