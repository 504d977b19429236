import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { hostRandom } from '../../util/index.ts';
import { fillNetworkDefaults, formatNetwork, parseNetwork } from '../conf/index.ts';
import { writeFileAtomically } from './atomic-file.ts';
import type { StateStore } from './state-store.ts';

/** What libvirt is installed with. */
const document = `
<network>
  <name>default</name>
  <forward mode='nat'/>
  <bridge name='virbr0' stp='on' delay='0'/>
  <ip address='192.168.122.1' netmask='255.255.255.0'>
    <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>
  </ip>
</network>`;

/** Says that a state directory has got the network, which its owner may have removed since. */
const MARKER = 'default-network';

/** Puts the network `default`, which starts by itself, into a state directory that never had any. */
export async function installDefaultNetwork(directory: string, store: StateStore): Promise<void> {
  const marker = join(directory, MARKER);
  const isInstalled = await access(marker).then(
    () => true,
    () => false,
  );
  if (isInstalled) return;
  if ((await store.load('networks')).length === 0) {
    const def = fillNetworkDefaults(parseNetwork(document), { random: hostRandom, bridges: new Set() });
    await store.setAutostart('networks', def.uuid, true);
    try {
      await store.save('networks', def.uuid, () => formatNetwork(def));
    } catch (error) {
      // The next try is with another UUID.
      await store.setAutostart('networks', def.uuid, false);
      throw error;
    }
  }
  await writeFileAtomically(marker, '', { sync: true });
}
