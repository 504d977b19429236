import { strict as assert } from 'node:assert';
import { mkdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { needTool } from '../../support/need-tool.ts';
import { cli, type Result } from '../../tools/cli/support.ts';
import { DaemonBench, run } from '../../tools/daemon/daemon-process.ts';
import { fileIn } from '../../tools/virsh/support.ts';

/**
 * What is done to pools on a directory, in this order: each line by virsh and by ours, each in a directory of its own.
 * `DIR` is that directory.
 */
const STORY = `
  pool-define-as box dir --target DIR/pool
  pool-define-as box dir --target DIR/pool
  pool-list --all
  pool-list --all --details
  pool-info box
  pool-start box
  pool-build box
  pool-start box
  pool-start box
  pool-autostart box
  pool-list
  pool-list --details
  pool-list --persistent --autostart --type dir
  pool-uuid nope
  vol-list box
  vol-create-as box a.img 3M
  vol-create-as box a.img 3M
  vol-create-as box b.img 5M --allocation 2M
  vol-create-as box c.qcow2 64M --format qcow2
  vol-create-as box d.qcow2 64M --format qcow2 --backing-vol c.qcow2 --backing-vol-format qcow2
  vol-create-as box e.img 1M --allocation 4M
  vol-create-as box f.img 1M --format odd
  vol-create-as box g.img 1X
  vol-create-as box g.img
  vol-create-as box g.img 1M --prealloc-metadata
  vol-create-as box h.qcow2 8M --format qcow2 --prealloc-metadata
  vol-create box DIR/vol.xml
  vol-create box DIR/bad.xml
  vol-list box
  vol-list box --details
  vol-info a.img box
  vol-info a.img --pool box --bytes
  vol-info a.img --pool box --bytes --physical
  vol-info b.img box
  vol-info c.qcow2 box
  vol-info h.qcow2 box
  vol-info DIR/pool/a.img
  vol-info nope box
  vol-key a.img box
  vol-path a.img box
  vol-name DIR/pool/a.img
  vol-pool DIR/pool/a.img
  vol-pool DIR/pool/nope
  vol-dumpxml a.img box --xpath //capacity
  vol-dumpxml d.qcow2 box --xpath //backingStore/format/@type
  vol-upload a.img DIR/data box
  vol-upload a.img DIR/data box --offset 1M --length 5
  vol-upload a.img DIR/data box --offset 3M
  vol-upload a.img DIR/nope box
  vol-download a.img DIR/back box --length 16
  vol-download a.img DIR/back box --offset 9M
  vol-download a.img DIR/nope/x box
  vol-resize a.img 4M box
  vol-resize a.img 1M box
  vol-resize a.img 1M box --shrink
  vol-resize a.img 1M box --delta
  vol-resize a.img 9X box
  vol-resize b.img 6M box --allocate
  vol-resize c.qcow2 128M box
  vol-resize c.qcow2 1M box --shrink
  vol-info a.img box
  vol-clone a.img a2.img box
  vol-clone a.img a2.img box
  vol-clone c.qcow2 c2.qcow2 box --prealloc-metadata
  vol-create-from box DIR/vol2.xml a.img
  vol-wipe a.img box
  vol-wipe a.img box --algorithm odd
  vol-delete d.qcow2 box
  vol-delete d.qcow2 box
  vol-delete nope box
  vol-list box
  vol-list box --details
  pool-refresh box
  vol-list box
  pool-info box --bytes
  pool-delete box
  pool-undefine box
  pool-destroy box
  pool-destroy box
  vol-list box
  vol-info DIR/pool/a.img
  pool-autostart box --disable
  pool-list --all
  pool-delete box
  pool-undefine box
  pool-list --all
  pool-create-as temp dir --target DIR/temp --build
  pool-create-as temp dir --target DIR/temp
  pool-list
  pool-info temp
  pool-undefine temp
  pool-destroy temp
  pool-info temp
  pool-create-as temp dir --target DIR/none
  find-storage-pool-sources dir
  find-storage-pool-sources-as netfs
  pool-capabilities --xpath //x
`
  .split('\n')
  .map((line) => line.trim())
  .filter((line) => line !== '');

/** Lines that come to something else, and why. */
const DIFFERENT: Readonly<Record<string, string>> = {
  'vol-upload a.img DIR/nope box': 'ours says why',
  'vol-download a.img DIR/nope/x box': 'ours says why',
};

describe("commands of pools over our daemon, beside Debian's virsh", function () {
  this.timeout(120_000);
  let bench: DaemonBench;

  before(async function () {
    needTool(this, 'virsh', 'libvirt-clients');
    bench = new DaemonBench();
    assert.equal(await bench.start(['--no-spare']), 'ready');
  });
  after(async () => {
    await bench?.stop();
    bench?.remove();
  });

  /** Runs the story in a directory; what is random, or of that directory, is cut out. */
  async function told(name: string, tell: (line: string) => Promise<Result>): Promise<Result[]> {
    const directory = join(bench.directory, name);
    mkdirSync(directory);
    fileIn(directory, 'vol.xml', "<volume><name>x.img</name><capacity unit='MiB'>2</capacity></volume>\n");
    fileIn(directory, 'vol2.xml', "<volume><name>y.img</name><capacity unit='MiB'>8</capacity></volume>\n");
    fileIn(directory, 'bad.xml', '<volume');
    truncateSync(fileIn(directory, 'data', 'hello'), 4096);
    const plain = (text: string) =>
      text
        .replaceAll(directory, 'DIR')
        .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
        // The room that a file system has is another at any moment.
        .replace(/((Allocation|Available): +)\d[\d.]*/g, '$1N')
        .replace(/(running +(?:yes|no) +(?:yes|no) +\S+ \S+ +)\S+ \S+ +\S+ \S+/g, '$1N');
    const results: Result[] = [];
    for (const line of STORY) {
      const { code, out, err } = await tell(line.replaceAll('DIR', directory));
      results.push({ code, out: plain(out), err: plain(err) });
    }
    return results;
  }

  it(`${STORY.length - Object.keys(DIFFERENT).length} of ${STORY.length} lines come to the same, to the byte`, async () => {
    const uri = bench.uri;
    const real = await told('a', (line) => run('virsh', ['-c', uri, `${line};`], { env: { TZ: 'UTC' } }));
    const ours = await told('b', (line) => cli(['-c', uri, `${line};`], { TZ: 'UTC' }));
    const differing = STORY.flatMap((line, at) => {
      const same = JSON.stringify(real[at]) === JSON.stringify(ours[at]);
      const listed = DIFFERENT[line] !== undefined;
      if (same !== listed) return [];
      return [`${line}\nvirsh: ${JSON.stringify(real[at])}\nours:  ${JSON.stringify(ours[at])}`];
    });
    assert.equal(differing.length, 0, differing.join('\n\n'));
  });
});
