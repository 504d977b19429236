import type { Clock, Logger, RandomSource } from '../../../util/index.ts';
import type { Frame } from '../../backend/net.ts';
import type { Timers } from '../../bus/timers.ts';
import type { IpAddress } from '../address.ts';
import type { Policy } from './policy.ts';

/** What the parts of a user network share. */
export interface UserContext {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: RandomSource;
  readonly logger: Logger;
  readonly policy: Policy;
  /** Largest IP packet on the wire, in bytes. */
  readonly mtu: number;
  /** Sends a packet to a guest. */
  send(to: IpAddress, frame: Frame): void;
}

/** A flow's ends as a guest sees them: its own, and the one it talks to. */
export interface Flow {
  readonly guest: IpAddress;
  readonly guestPort: number;
  readonly remote: IpAddress;
  readonly remotePort: number;
}

/** The flow as a key of a map. */
export function flowKey({ guest, guestPort, remote, remotePort }: Flow): string {
  return `${guest.join()} ${guestPort} ${remote.join()} ${remotePort}`;
}
