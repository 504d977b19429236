import { type ChildProcess, spawn } from 'node:child_process';
import type { DebianImage } from './support.ts';

/** The Debian guest under QEMU, its interface at the end of a stream through the socket at `path`. */
export function startQemu(image: DebianImage, path: string) {
  const args = ['-M', 'virt', '-m', '256M', '-nographic', '-kernel', image.kernel, '-initrd', image.initrd];
  args.push('-append', `${image.append} quiet`, '-netdev', `stream,id=n0,server=off,addr.type=unix,addr.path=${path}`);
  args.push('-device', 'virtio-net-device,netdev=n0,mac=52:54:00:aa:00:03');
  const child: ChildProcess = spawn('qemu-system-riscv64', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  let seen = 0;
  child.stdout?.on('data', (data: Buffer) => {
    text += data.toString('latin1');
  });
  return {
    process: child,
    type: (line: string) => child.stdin?.write(`${line}\n`),
    async expect(wanted: string | RegExp): Promise<string> {
      for (let tries = 0; tries < 1200; tries++) {
        const rest = text.slice(seen);
        const match = typeof wanted === 'string' ? rest.indexOf(wanted) : rest.search(wanted);
        if (match >= 0) {
          const found = typeof wanted === 'string' ? wanted : (wanted.exec(rest)?.[0] ?? '');
          seen += match + found.length;
          return rest.slice(0, match + found.length);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error(`QEMU's guest did not print ${wanted}: …${text.slice(-1000)}`);
    },
  };
}
