/**
 * `full-disk-guest DIRECTORY KERNEL INITRD APPEND FORMAT`, within a mount namespace of its own whose DIRECTORY is a small
 * file system: a Linux guest writes more than there is room for. Prints one line of JSON: what was seen.
 */
import { statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createQcow2, DiskFile, openDiskImage } from '../../src/machine/index.ts';
import { Connection, DomainState, MachineHost, PausedReason } from '../../src/virt/index.ts';
import { until } from '../virt/backend-contract.ts';
import { Listener } from '../virt/process/bench.ts';

const [directory = '', kernel = '', initrd = '', append = '', format = ''] = process.argv.slice(2);
const DISK_BYTES = 24 * 2 ** 20;
const ROOM_BYTES = 8 * 2 ** 20;
const LINE = 'what is written is not lost\n';

const image = join(directory, `disk.${format}`);
const ballast = join(directory, 'ballast');

async function makeImage(): Promise<void> {
  const file = await DiskFile.open(image, { create: true });
  if (format === 'raw') await file.truncate(DISK_BYTES);
  else await createQcow2(file, { size: DISK_BYTES });
  await file.close();
}

const free = () => Number(statfsSync(directory).bavail) * Number(statfsSync(directory).bsize);

/** Whether the disk holds the line over and over. */
async function isComplete(): Promise<boolean> {
  const disk = await openDiskImage(image, { format: format === 'raw' ? 'raw' : 'qcow2', readOnly: true });
  const found = Buffer.alloc(DISK_BYTES);
  await disk.read(0, found);
  await disk.close();
  return found.equals(Buffer.alloc(DISK_BYTES, LINE));
}

const seen: unknown[] = [];
await makeImage();
writeFileSync(ballast, Buffer.alloc(free() - ROOM_BYTES));
const logger = { log: () => {} };
const host = await MachineHost.open({ state: join(directory, '..', 'state'), logger, keepSpare: false });
const connection = new Connection(await host.open('', false));
connection.on('ioError', (_, source, alias, action, reason) => {
  if (seen.length === 0) seen.push({ source: source === image, alias, action, reason });
});
const command = `modprobe virtio_blk; yes '${LINE.trim()}' | dd of=/dev/vda bs=65536 conv=fsync 2>/dev/null; sync; echo all of it is written`;
const domain = await connection.createXML(`<domain type='qemu'><name>full</name><memory unit='MiB'>256</memory>
  <os><type arch='riscv64' machine='virt'>hvm</type><kernel>${kernel}</kernel><initrd>${initrd}</initrd>
  <cmdline>${append} quiet nodevisor.run="${command}"</cmdline></os>
  <devices><console type='pty'/><disk type='file' device='disk'><driver name='qemu' type='${format}'/>
  <source file='${image}'/><target dev='vda' bus='virtio'/></disk></devices></domain>`);
const console = await Listener.on(domain);

const ioError = async () => {
  const { state, reason } = await domain.getState();
  return state === DomainState.PAUSED && reason === PausedReason.IOERROR;
};
for (const room of [false, true]) {
  await until(ioError, `the domain is paused for a full disk; its console: ${console.output.slice(-500)}`, 120);
  seen.push(await domain.getDiskErrors());
  if (room) unlinkSync(ballast);
  await domain.resume();
}
await until(async () => (await connection.listAllDomains()).length === 0, 'the guest has switched off', 120);
seen.push({ written: console.output.includes('all of it is written'), complete: await isComplete() });
await connection.close();
await host.close();
process.stdout.write(`${JSON.stringify(seen)}\n`);
