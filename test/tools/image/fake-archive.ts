import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCleartextMessage, generateKey, type PrivateKey, readPrivateKey, sign } from 'openpgp';
import { deb, kernelModule, sha256 } from './fixtures.ts';
import { storeXz } from './xz-store.ts';

const RELEASE = '6.12.1-test';
const MODULES: Readonly<Record<string, readonly string[]>> = {
  'drivers/virtio/virtio_mmio': [],
  'drivers/block/virtio_blk': ['alias=virtio:d00000002v*'],
  'drivers/net/virtio_net': ['depends=net_failover'],
  'drivers/net/net_failover': ['depends=failover'],
  'net/core/failover': [],
  'drivers/char/hw_random/virtio-rng': [],
  'fs/ext4/ext4': ['depends=jbd2,crc16', 'softdep=pre: crypto-crc32c', 'alias=fs-ext4'],
  'fs/jbd2/jbd2': [],
  'lib/crc16': [],
  'crypto/crc32c_generic': ['alias=crypto-crc32c'],
  'fs/squashfs/squashfs': [],
  'fs/overlayfs/overlay': [],
  'fs/isofs/isofs': ['depends=cdrom'],
  'drivers/cdrom/cdrom': [],
  'drivers/scsi/scsi_mod': [],
  'drivers/scsi/virtio_scsi': ['depends=scsi_mod', 'alias=virtio:d00000008v*'],
  'drivers/scsi/sd_mod': ['depends=scsi_mod'],
  'drivers/scsi/sr_mod': ['depends=scsi_mod,cdrom'],
  'fs/unwanted': [],
};

export interface SigningKey {
  readonly privateKey: PrivateKey;
  readonly armoredPublicKey: string;
}

export async function makeSigningKey(name: string): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKey({ userIDs: [{ name, email: 'archive@example.org' }] });
  return { privateKey: await readPrivateKey({ armoredKey: privateKey }), armoredPublicKey: publicKey };
}

/** What a test changes about the archive. */
export interface Faults {
  /** Close the connection after so many bytes of a path's answer, so many times, once the client `has` so many of the file. */
  cut?: { path: RegExp; afterBytes: number; times: number; has: (bytes: number) => boolean };
  /** Serve something else under a path. */
  replace?: { path: RegExp; bytes: Buffer };
  /** Ignore Range, as some servers do. */
  noRanges?: boolean;
}

/** A Debian mirror of one suite with three small packages, on a port of this host. */
export class FakeArchive {
  readonly kernelImage: Buffer;
  readonly requests: { path: string; range: string | undefined }[] = [];
  faults: Faults = {};
  readonly #files = new Map<string, Buffer>();
  readonly #server: Server;
  #index: Buffer = Buffer.alloc(0);

  private constructor(kernelImage: Buffer) {
    this.kernelImage = kernelImage;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(key: SigningKey, releaseFields = ''): Promise<FakeArchive> {
    const archive = new FakeArchive(Buffer.alloc(200_000, 'kernel'));
    await archive.#fill(key, releaseFields);
    archive.#server.listen(0, '127.0.0.1');
    await once(archive.#server, 'listening');
    return archive;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/debian`;
  }

  /** The file that it serves under the first path that matches. */
  file(path: RegExp): Buffer {
    for (const [name, bytes] of this.#files) if (path.test(name)) return bytes;
    throw new Error(`no file ${path}`);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #packages(): Promise<Record<string, { bytes: Buffer; depends: string }>> {
    const modules = Object.entries(MODULES).map(([path, info]) => [
      `usr/lib/modules/${RELEASE}/kernel/${path}.ko.xz`,
      storeXz(kernelModule([...info, 'license=GPL'])),
    ]);
    return {
      'linux-image-riscv64': { bytes: await deb({}), depends: `linux-image-${RELEASE} (= 6.12.1-1)` },
      [`linux-image-${RELEASE}`]: {
        bytes: await deb({ [`boot/vmlinux-${RELEASE}`]: this.kernelImage, ...Object.fromEntries(modules) }),
        depends: 'kmod',
      },
      'busybox-static': { bytes: await deb({ 'usr/bin/busybox': Buffer.from('busybox') }), depends: '' },
      unrelated: { bytes: Buffer.from('x'), depends: '' },
    };
  }

  async #fill(key: SigningKey, releaseFields: string): Promise<void> {
    let index = '';
    for (const [name, { bytes, depends }] of Object.entries(await this.#packages())) {
      const path = `pool/main/${name}_1_riscv64.deb`;
      this.#files.set(`/debian/${path}`, bytes);
      index += `Package: ${name}\nVersion: 6.12.1-1\nDepends: ${depends}\nFilename: ${path}\nDescription: a\n b\n`;
      index += `Size: ${bytes.length}\nSHA256: ${sha256(bytes)}\n\n`;
    }
    this.#index = storeXz(Buffer.from(index));
    await this.release(key, 'trixie', { version: '13.9', date: 'Thu, 01 Jan 2026 00:00:00 UTC' }, releaseFields);
  }

  /** Serves its packages as a release under a name. */
  async release(
    key: SigningKey,
    name: string,
    { version, date }: { readonly version: string; readonly date: string },
    fields = '',
  ): Promise<void> {
    const packed = this.#index;
    const directory = 'main/binary-riscv64';
    this.#files.set(`/debian/dists/${name}/${directory}/by-hash/SHA256/${sha256(packed)}`, packed);
    const text =
      `Origin: Test\nSuite: stable\nVersion: ${version}\nCodename: trixie\nDate: ${date}\n` +
      `Acquire-By-Hash: yes\n${fields}SHA256:\n ${sha256(packed)} ${packed.length} ${directory}/Packages.xz\n`;
    const message = await createCleartextMessage({ text });
    const release = await sign({ message, signingKeys: key.privateKey });
    this.#files.set(`/debian/dists/${name}/InRelease`, Buffer.from(release));
  }

  /** Has a file no more. */
  lose(path: RegExp): void {
    for (const name of [...this.#files.keys()]) if (path.test(name)) this.#files.delete(name);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(request.url ?? '');
    const { range } = request.headers;
    this.requests.push({ path, range });
    const { replace, cut, noRanges } = this.faults;
    const bytes = replace?.path.test(path) ? replace.bytes : this.#files.get(path);
    if (bytes === undefined) {
      response.writeHead(404).end('no');
      return;
    }
    const from = noRanges ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const body = bytes.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': body.length });
    if (cut?.path.test(path) && cut.times-- > 0) {
      response.write(body.subarray(0, cut.afterBytes));
      // Before that, what is still under way might be lost with the connection.
      const timer = setInterval(() => {
        if (!cut.has(from + cut.afterBytes)) return;
        clearInterval(timer);
        response.destroy();
      }, 20);
    } else {
      response.end(body);
    }
  }
}
