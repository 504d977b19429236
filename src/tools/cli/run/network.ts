import { join } from 'node:path';
import type { NetOptions } from '../../../drivers/index.ts';
import { VirtError } from '../../../util/index.ts';
import { usageError } from '../command.ts';

/** How long, in seconds, a machine waits before it looks for its network again when the daemon has gone. */
const RECONNECT_SECONDS = 1;

/** An interface on a network of the user's daemon, by the network's name. */
export interface NamedNet extends Pick<NetOptions, 'mac' | 'queues' | 'linkUp' | 'capture'> {
  readonly type: 'network';
  readonly name: string;
}

/**
 * The interface as the machine has it: a cable to the network's socket. The daemon is started if there is none. Throws
 * INVALID_ARG for a network that is not there or not active.
 */
export async function plugIn(net: NetOptions | NamedNet, env: NodeJS.ProcessEnv): Promise<NetOptions> {
  if ('backend' in net || net.type !== 'network') return net;
  const { type: _type, name, ...device } = net;
  // Only now: most machines need nothing of it.
  const { connect, sessionPaths } = await import('../../../virt/index.ts');
  const connection = await connect('nodevisor:///session');
  try {
    const network = await connection.networkLookupByName(name).catch((error: unknown) => {
      if (!(error instanceof VirtError) || error.code !== 'NO_NETWORK') throw error;
      throw usageError(`--net network=${name}: the user's daemon has no such network; see net-list --all`);
    });
    if (!(await network.isActive())) {
      throw usageError(`--net network=${name}: the network is not active; net-start ${name} starts it`);
    }
    const path = join(sessionPaths(env).state, 'network', `${network.uuid}.sock`);
    return { ...device, type: 'stream', path, reconnect: RECONNECT_SECONDS };
  } finally {
    await connection.close();
  }
}
