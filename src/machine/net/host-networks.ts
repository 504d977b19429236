/** Which networks of the host's this process can join. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { bridgeHelper } from './bridge-helper.ts';
import { tapProblem } from './tap-device.ts';

/** One kind of them. */
export interface HostNetworkFinding {
  readonly name: string;
  readonly ok: boolean;
  /** For people: what there is, or what is missing and what would help. */
  readonly detail: string;
}

const INTERFACES = '/sys/class/net';

/** How long passt has to tell its version. */
const PASST_MS = 5000;

/** What this host has of tap devices, bridges and passt, and what this user may. `env`: where programs are looked for. */
export function hostNetworks(env: Readonly<Record<string, string | undefined>>): HostNetworkFinding[] {
  const problem = tapProblem();
  return [
    { name: 'tap devices', ok: problem === undefined, detail: problem ?? 'can be made' },
    bridges(problem),
    passt(env),
  ];
}

function bridges(tapProblem: string | undefined): HostNetworkFinding {
  const name = 'bridges';
  const found = existsSync(INTERFACES)
    ? readdirSync(INTERFACES).filter((one) => existsSync(`${INTERFACES}/${one}/bridge`))
    : [];
  if (found.length === 0) {
    return { name, ok: false, detail: 'the host has none; as root: ip link add br0 type bridge, and set it up' };
  }
  const list = found.join(', ');
  if (tapProblem === undefined) return { name, ok: true, detail: list };
  const helper = bridgeHelper();
  if (helper === undefined) {
    const detail = `${list}: joining one takes CAP_NET_ADMIN or QEMU's bridge helper, which is not installed`;
    return { name, ok: false, detail };
  }
  if ((statSync(helper).mode & 0o4000) === 0) {
    return { name, ok: false, detail: `${list}: ${helper} has not root's rights; as root: chmod u+s ${helper}` };
  }
  return { name, ok: true, detail: `${list}: those that ${helper} is allowed, by /etc/qemu/bridge.conf` };
}

function passt(env: Readonly<Record<string, string | undefined>>): HostNetworkFinding {
  const name = 'passt';
  const { error, status } = spawnSync('passt', ['--version'], { env, stdio: 'ignore', timeout: PASST_MS });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    return { name, ok: false, detail: 'it is not installed' };
  }
  if (error !== undefined || status !== 0) {
    return { name, ok: false, detail: `it does not run: ${error?.message ?? `it ended with status ${status}`}` };
  }
  return { name, ok: true, detail: 'works' };
}
