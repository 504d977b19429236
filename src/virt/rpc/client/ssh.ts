/** Servers of other hosts by the system's ssh, as libvirt goes there: something on the other side talks to its socket. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { virtError } from '../../errors.ts';
import type { RemoteUri } from './remote-uri.ts';

/** What of ssh's complaints is kept for the error. */
const COMPLAINT_BYTES = 4096;

/** Quotes a word for the shell of the other side. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** The socket of a user's or host's daemon as the other side's shell has it. */
function remoteSocket({ driver, path, params }: RemoteUri, readOnly: boolean): string {
  const given = params.get('socket');
  if (given !== null) return quote(given);
  const directory = path === '/session' ? `"\${XDG_RUNTIME_DIR:-\${XDG_CACHE_HOME:-$HOME/.cache}}"` : '/run';
  const name = driver === 'nodevisor' ? 'nodevisor/nodevisor-sock' : 'libvirt/libvirt-sock';
  return `${directory}/${name}${readOnly && path !== '/session' ? '-ro' : ''}`;
}

/** What runs on the other side: libvirt's helper where there is one, else netcat. `?proxy=native|netcat` settles it. */
export function remoteCommand(uri: RemoteUri, readOnly: boolean): string {
  const netcat = quote(uri.params.get('netcat') ?? 'nc');
  const socket = remoteSocket(uri, readOnly);
  // Debian's netcat ends with its input only when told to.
  const byNetcat = `if ${netcat} -q 2>&1 | grep "requires an argument" >/dev/null 2>&1; then ARG=-q0; else ARG=; fi; exec ${netcat} $ARG -U ${socket}`;
  const helper = `virt-ssh-helper ${readOnly ? '-r ' : ''}${quote(uri.name)}`;
  const proxy = uri.params.get('proxy') ?? 'auto';
  const noHelper =
    uri.params.has('netcat') || uri.params.has('socket') || uri.driver === 'nodevisor' || proxy === 'netcat';
  if (proxy === 'native') return helper;
  if (noHelper) return byNetcat;
  return `if command -v virt-ssh-helper >/dev/null 2>&1; then exec ${helper}; fi; ${byNetcat}`;
}

/** ssh's arguments for a URI. */
export function sshArguments(uri: RemoteUri, readOnly: boolean): string[] {
  const { user, host, port, params } = uri;
  const keyfile = params.get('keyfile');
  const verify = (params.get('no_verify') ?? '0') === '0';
  const mayAsk = (params.get('no_tty') ?? '0') === '0';
  return [
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(keyfile === null ? [] : ['-i', keyfile]),
    '-T',
    ...(mayAsk ? [] : ['-o', 'BatchMode=yes']),
    ...(verify ? [] : ['-o', 'StrictHostKeyChecking=no']),
    '-e',
    'none',
    '--',
    host,
    `sh -c ${quote(remoteCommand(uri, readOnly))}`,
  ];
}

/** Connects by ssh; `?command=` is another program that takes ssh's arguments. Throws SYSTEM_ERROR. */
export async function connectSsh(uri: RemoteUri, readOnly: boolean): Promise<Duplex> {
  const command = uri.params.get('command') ?? 'ssh';
  const child = spawn(command, sshArguments(uri, readOnly), { stdio: 'pipe' });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        virtError('SYSTEM_ERROR', `Cannot run '${command}': ${cause.message}`, {
          cause,
          domain: 'RPC',
          data: { errno: cause.code ?? 'EIO' },
        }),
      );
    });
  });
  return new SshStream(child);
}

/** The bytes of a program that talks to a server for us. What it complains of is told when the connection ends. */
class SshStream extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  #complaint = '';

  constructor(child: ChildProcessWithoutNullStreams) {
    super();
    this.#child = child;
    child.on('error', (error) => this.destroy(error));
    child.stdout.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) child.stdout.pause();
    });
    child.stderr.on('data', (bytes: Buffer) => {
      this.#complaint = (this.#complaint + bytes.toString()).slice(-COMPLAINT_BYTES);
    });
    child.stdin.on('error', () => {});
    child.once('close', () => this.#ended());
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    // What it can take no more, it says by its end.
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#child.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }

  #ended(): void {
    if (this.destroyed) return;
    const complaint = this.#complaint.trim();
    if (complaint === '') {
      this.push(null);
      return;
    }
    this.destroy(
      virtError('SYSTEM_ERROR', `End of file while reading data: ${complaint}: Input/output error`, {
        domain: 'RPC',
        data: { errno: 'EIO' },
      }),
    );
  }
}
