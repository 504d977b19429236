/** The same traffic as with the user network through a tap device of the host; also in QEMU. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inTurn } from './lib/in-turn.ts';
import { debianImage, runOurs, runQemu, withFiles } from './lib/linux.ts';
import type { Benchmark } from './lib/result.ts';
import { build, type Figures, figuresOf, PING_HOST, pings, report, script, serve, withHost } from './net.ts';

const DEVICE = 'nvbench0';
const [HOST, GUEST] = ['10.213.77.1', '10.213.77.2'];

function ip(command: string): string | undefined {
  const { status, stderr, error } = spawnSync('ip', command.split(' '), { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

/** Makes the device; why not, where that is not permitted. */
function setUp(): string | undefined {
  return (
    ip(`tuntap add dev ${DEVICE} mode tap`) ?? ip(`addr add ${HOST}/24 dev ${DEVICE}`) ?? ip(`link set ${DEVICE} up`)
  );
}

export const tap: Benchmark = {
  name: 'tap',
  help: 'TCP of a Linux guest with the host through a tap device, as root, say of "unshare --net"; with --peers also QEMU',
  async measure(context) {
    const problem = setUp();
    if (problem !== undefined) {
      ip(`link del ${DEVICE}`);
      context.progress(`tap: not measured, as the host does not permit it (${problem})`);
      return [];
    }
    const folder = mkdtempSync(join(tmpdir(), 'nodevisor-tap-'));
    const { guest, host } = build(folder);
    const server = await serve(host);
    try {
      const image = withFiles(await debianImage(), [
        { type: 'directory', path: 'bench' },
        { type: 'file', path: 'bench/traffic', bytes: guest, mode: 0o755 },
      ]);
      const address = `ip link set eth0 up; ip addr add ${GUEST}/24 dev eth0`;
      const command = `${address}; ${script(HOST, server.port, withHost)}; exit 0`;
      const subjects = new Map<string, () => Promise<Figures>>();
      for (const backend of context.backends) {
        subjects.set(backend, async () => {
          const run = await runOurs(image, backend, { command, nets: [{ type: 'tap', name: DEVICE }] });
          return figuresOf(run, PING_HOST, withHost);
        });
      }
      if (context.peers) {
        subjects.set('qemu-tcg', async () => {
          const netdev = `tap,id=n0,ifname=${DEVICE},script=no,downscript=no,vhost=off`;
          const qemuArguments = ['-netdev', netdev, '-device', 'virtio-net-device,netdev=n0'];
          return figuresOf(await runQemu(image, { command, qemuArguments }), PING_HOST, withHost);
        });
      }
      return report('tap', [...pings(PING_HOST), ...withHost], context, await inTurn(context, 'tap', subjects));
    } finally {
      server.close();
      ip(`link del ${DEVICE}`);
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
