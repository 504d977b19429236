import { createWriteStream } from 'node:fs';
import { finished, type Writable } from 'node:stream';
import { VirtError } from '../../../../util/index.ts';
import type { Domain } from '../../../../virt/index.ts';
import { type CommandDef, integer, text } from '../definition.ts';
import { attempt, CommandFailure } from '../failure.ts';
import { reasonOf } from '../files.ts';
import { whileAlive } from '../keep-alive.ts';
import { findDomain } from '../lookup.ts';
import { PcapngBlocks } from '../pcapng-blocks.ts';
import type { Session } from '../session.ts';
import { domainOption } from '../shared-options.ts';
import { interfacesOf } from './disks.ts';

/** The interface that is meant: the only one, if none is named. */
async function interfaceCalled(domain: Domain, called: string | undefined): Promise<string> {
  if (called !== undefined) return called;
  const found = interfacesOf(await domain.getXMLDesc());
  const [only] = found;
  const device = only?.target ?? only?.mac;
  if (device === undefined) throw new CommandFailure(`domain '${domain.name}' has no network interface`);
  if (found.length > 1) throw new CommandFailure(`domain '${domain.name}' has ${found.length} interfaces: name one`);
  return device;
}

/** Where a capture goes, opened. Throws CommandFailure. */
async function targetOf(file: string | undefined, session: Session): Promise<Writable> {
  const { stdout } = session.context;
  if (file === undefined) {
    if (session.format === 'json')
      throw new CommandFailure('a capture and JSON cannot both be on standard output: give a file');
    if (stdout.isTTY === true)
      throw new CommandFailure('a terminal shows no capture: give a file, or a pipe to read it');
    session.givesBytes = true;
    return stdout;
  }
  const stream = createWriteStream(file, { mode: 0o600 });
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    stream.once('error', (error) => reject(new CommandFailure(`cannot create ${file}: ${reasonOf(error)}`)));
  });
  return stream;
}

/** Passes blocks on until the capture ends, there are enough, time is over, or the user wants no more. */
function pass(source: PcapngBlocks, to: Writable, durationMs: number | undefined, session: Session): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const end = (error?: Error | null) => {
      clearTimeout(timer);
      offInterrupt();
      to.off('error', lost);
      source.unpipe(to);
      source.destroy();
      if (error) reject(error instanceof VirtError ? error : new CommandFailure(reasonOf(error)));
      else resolve();
    };
    const offInterrupt = session.onInterrupt(() => end());
    // A reader that has gone has seen enough; a file that cannot take more is another matter.
    const lost = (error: NodeJS.ErrnoException) => end(error.code === 'EPIPE' ? undefined : error);
    to.on('error', lost);
    finished(source, { writable: false }, (error) => end(error?.name === 'AbortError' ? undefined : error));
    if (durationMs !== undefined) timer = setTimeout(end, durationMs);
    source.pipe(to, { end: false });
  });
}

/** `net-capture`: what virsh has no command for. */
export const netCaptureCommand: CommandDef = {
  name: 'net-capture',
  summary: "write what passes a running domain's network interface as pcapng",
  description: [
    'Into a file, or to standard output: nodevisor net-capture box | wireshark -k -i -',
    'Until Ctrl-C, --count packets or --duration seconds, or the end of the domain.',
  ].join('\n'),
  options: [
    domainOption('active-domain'),
    text('interface', 'host device or MAC address (default: the only one)', { complete: 'domain-interface' }),
    text('file', 'file to write (default: standard output)', { complete: 'file' }),
    integer('count', 'packets after which it ends', { named: true }),
    integer('duration', 'seconds after which it ends', { named: true }),
  ],
  async run(args, session) {
    const [count, seconds] = [args.number('count', 1), args.number('duration', 1)];
    const domain = await findDomain(args, session);
    const device = await interfaceCalled(domain, args.text('interface'));
    const failed = `Failed to capture interface '${device}' of domain '${domain.name}'`;
    const stream = await attempt(failed, domain.captureInterface(device));
    const blocks = new PcapngBlocks(count);
    try {
      const file = args.text('file');
      const to = await targetOf(file, session);
      stream.once('error', (error) => blocks.destroy(error));
      stream.pipe(blocks);
      try {
        await attempt(
          failed,
          whileAlive(pass(blocks, to, seconds === undefined ? undefined : seconds * 1000, session)),
        );
      } finally {
        if (file !== undefined) await new Promise<void>((resolve) => to.end(() => resolve()));
      }
      const { packets, bytes } = blocks;
      const said = `${packets} ${packets === 1 ? 'packet' : 'packets'} captured`;
      if (file === undefined) {
        session.note(said);
        return 0;
      }
      return { text: `${said}\n`, quiet: '', json: { domain: domain.name, interface: device, file, packets, bytes } };
    } finally {
      stream.destroy();
    }
  },
};
