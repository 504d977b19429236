/** The same lines of commands given to Debian's virsh, over libvirt's test driver, and to ours, over `test:///default`. */
import { execFile } from 'node:child_process';
import { cli, type Result } from '../../tools/cli/support.ts';
import { fileIn } from '../../tools/virsh/support.ts';

const OS = '<os><type>hvm</type></os>';

/** Files that lines name as `DIR/name`. */
const FILES: Readonly<Record<string, string>> = {
  'new.xml': `<domain type='test'><name>new</name><memory unit='MiB'>64</memory>${OS}</domain>\n`,
  'clash.xml': `<domain type='test'><name>test</name><memory unit='MiB'>64</memory>${OS}</domain>\n`,
  'test.xml': `<domain type='test'><name>test</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid><memory unit='MiB'>64</memory>${OS}</domain>\n`,
  'renamed.xml': `<domain type='test'><name>xx</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid><memory unit='MiB'>64</memory>${OS}</domain>\n`,
  'noname.xml': `<domain type='test'><memory unit='MiB'>64</memory>${OS}</domain>\n`,
  'nomem.xml': `<domain type='test'><name>new</name>${OS}</domain>\n`,
  'badtype.xml': `<domain type='frob'><name>new</name><memory unit='MiB'>64</memory>${OS}</domain>\n`,
  'bad.xml': '<domain\n',
  'empty.xml': '',
  'net.xml': "<network><name>other</name><bridge name='virbr9'/></network>\n",
  'netdef.xml': '<network><name>default</name><uuid>dd8fe884-6c02-601e-7551-cca97df1c5df</uuid></network>\n',
  'netxx.xml': '<network><name>xx</name><uuid>dd8fe884-6c02-601e-7551-cca97df1c5df</uuid></network>\n',
  'pool.xml': "<pool type='dir'><name>p2</name><target><path>/p2</path></target></pool>\n",
  'pooldef.xml':
    "<pool type='dir'><name>default-pool</name><uuid>dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566</uuid><target><path>/p2</path></target></pool>\n",
  'vol.xml': "<volume><name>v2</name><capacity unit='bytes'>1048576</capacity></volume>\n",
  'disk.xml': "<disk type='file' device='disk'><source file='/z'/><target dev='vdz' bus='virtio'/></disk>\n",
  'cpu.xml': "<cpu mode='custom'><model>rv64</model></cpu>\n",
  'cd.xml': `<domain type='test'><name>cd</name><memory unit='MiB'>64</memory>${OS}<devices>
    <disk type='file' device='cdrom'><source file='/iso'/><target dev='hdc' bus='ide'/><readonly/></disk>
    <disk type='file' device='cdrom'><target dev='hdd' bus='ide'/></disk></devices></domain>\n`,
  'vnc.xml': `<domain type='test'><name>screens</name><memory unit='MiB'>64</memory>${OS}<devices>
    <graphics type='vnc' port='5901' listen='127.0.0.1' passwd='secret'/>
    <graphics type='spice' port='5902' tlsPort='5903' listen='0.0.0.0'/></devices></domain>\n`,
  data: 'hello',
};

/** Writes the files that lines may name. */
export function writeFiles(directory: string): void {
  for (const [name, contents] of Object.entries(FILES)) fileIn(directory, name, contents);
}

/** What a line came to on either side. */
export interface Pair {
  readonly real: Result;
  readonly ours: Result;
}

/** Neither must wait for anybody, and times are shown the same way. */
const SETTINGS = { TZ: 'UTC', LC_ALL: 'C', EDITOR: 'true' };
const LIMIT_MS = 15_000;

function real(argv: readonly string[], directory: string): Promise<Result> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'], HOME: directory, ...SETTINGS };
    const options = { encoding: 'latin1', env, cwd: directory, timeout: LIMIT_MS } as const;
    const child = execFile('virsh', argv, options, (error, out, err) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
    child.stdin?.end();
  });
}

/** Gives a line to both. */
export async function both(line: string, directory: string): Promise<Pair> {
  // A semicolon at the end makes it a line of commands, not one word of one.
  const argv = ['-c', 'test:///default', `${line.replaceAll('DIR', directory)};`];
  const env = { HOME: directory, ...SETTINGS };
  const [one, other] = await Promise.all([real(argv, directory), cli(argv, env)]);
  return { real: one, ours: other };
}

/** What Debian's virsh says to `help COMMAND`. */
export async function realHelp(command: string | undefined, directory: string): Promise<string> {
  const { out } = await real(['help', ...(command === undefined ? [] : [command])], directory);
  return out;
}
