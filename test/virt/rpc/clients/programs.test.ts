/** Programs that manage machines through libvirt: Python's bindings, virt-install and its kin, virsh on a terminal. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect } from '../../../../src/index.ts';
import { missing, needTool } from '../../../support/need-tool.ts';
import { run } from '../../../tools/daemon/daemon-process.ts';
import { playCommand } from '../../../tools/virsh/support.ts';
import { until } from '../../contract/bench.ts';
import { WorldServer } from './world-server.ts';

describe('programs on libvirt', function () {
  this.timeout(120_000);
  let server: WorldServer;
  before(async () => {
    server = await WorldServer.start();
  });
  after(() => server.stop());

  it('in Python do all that their bindings let them do', async function () {
    // Debian's own Python has Debian's modules, whichever other one comes first.
    const python = ['python3', '/usr/bin/python3'].find((one) => spawnSync(one, ['-c', 'import libvirt']).status === 0);
    if (python === undefined) {
      missing(this, 'Python’s bindings of libvirt are missing (Debian package python3-libvirt)');
    }
    const script = fileURLToPath(new URL('exercise.py', import.meta.url));
    const { code, out, err } = await run(python, [script, server.uri()]);
    assert.equal(code, 0, `${out}${err}`);
    const wanted = readFileSync(new URL('exercise.golden.txt', import.meta.url), 'utf8');
    assert.equal(out, wanted);
  });

  describe('virt-install', () => {
    before(function () {
      needTool(this, 'virt-install', 'virtinst');
    });

    const common =
      '--memory 64 --arch riscv64 --osinfo detect=off,require=off --noautoconsole --graphics none --network none';

    async function install(name: string, options: string): Promise<string> {
      const args = ['--connect', server.uri('qemu'), '--name', name, ...common.split(' '), ...options.split(' ')];
      const { code, out, err } = await run('virt-install', args);
      assert.equal(code, 0, `${out}${err}`);
      assert.match(out, /Domain creation completed\./);
      const state = await server.virsh('domstate', name);
      assert.equal(state.out.trim(), 'running');
      // It is started as a transient domain and made persistent then.
      assert.match((await server.virsh('dominfo', name)).out, /Persistent: +yes/);
      return (await server.virsh('dumpxml', name)).out;
    }

    it('starts a kernel without a disk', async () => {
      const xml = await install('kernel', '--import --disk none --boot kernel=/boot/vmlinuz,initrd=/boot/initrd');
      assert.match(xml, /<kernel>\/boot\/vmlinuz<\/kernel>/);
    });

    it('makes a volume in a pool, and imports one', async () => {
      const xml = await install('disk', '--import --disk pool=default-pool,size=0.01');
      assert.match(xml, /<source file='\/default-pool\/disk\.img'\/>/);
      assert.match((await server.virsh('vol-info', 'disk.img', '--pool', 'default-pool')).out, /Capacity: +10\.24 MiB/);
      await server.virsh('vol-create-as', 'default-pool', 'ready', '5M');
      const imported = await install('imported', '--import --disk vol=default-pool/ready');
      assert.match(imported, /<source file='\/default-pool\/ready'\/>/);
    });

    it('sees what virt-xml changes and what virt-clone copies', async function () {
      needTool(this, 'virt-xml', 'virtinst');
      needTool(this, 'virt-clone', 'virtinst');
      await install('original', '--import --disk pool=default-pool,size=0.01');
      const connect = ['--connect', server.uri('qemu')];
      const changed = await run('virt-xml', [...connect, 'original', '--edit', '--memory', '128', '--define']);
      assert.equal(changed.code, 0, changed.err);
      assert.match((await server.virsh('dumpxml', 'original', '--inactive')).out, /<memory unit='KiB'>131072</);
      await server.virsh('destroy', 'original');
      const cloned = await run('virt-clone', [...connect, '--original', 'original', '--auto-clone']);
      assert.equal(cloned.code, 0, cloned.err);
      assert.match(cloned.out, /Clone 'original-clone' created successfully/);
      assert.match((await server.virsh('domblklist', 'original-clone')).out, /original-clone\.img/);
    });
  });

  describe('virsh on a terminal', () => {
    before(function () {
      needTool(this, 'virsh', 'libvirt-clients');
      needTool(this, 'python3', 'python3');
    });

    const console = (...args: string[]) => ['virsh', '-c', server.uri(), 'console', 'test', ...args];

    it('opens a console, types and reads, and leaves it', () => {
      const steps = [
        ['Escape character is', 'hello\r'],
        ['hello', '\x1d'],
      ] as const;
      const { text, status, raw } = playCommand(console(), steps, {}, true);
      assert.equal(status, 0, text);
      assert.deepEqual(raw, [true, true]);
    });

    it('takes a console over with --force only, and its first user reads the end', async () => {
      const connection = await connect(server.uri());
      try {
        const held = await (await connection.lookupByName('test')).openConsole();
        let ended = false;
        held.resume().on('end', () => {
          ended = true;
        });
        assert.match(playCommand(console(), []).text, /Active console session exists for this domain/);
        playCommand(console('--force'), [['Escape', '\x1d']], {}, true);
        await until(() => ended, 'the first user reads the end');
      } finally {
        await connection.close();
      }
    });

    it('reads the end when the domain ends', async () => {
      // A console that ends in order, and none that cannot be opened because the domain happens to be off.
      const trying = `until ${console()
        .map((word) => `'${word}'`)
        .join(' ')}; do sleep 0.1; done`;
      const job = { argv: ['sh', '-c', trying], steps: [], seconds: 30 };
      const held = run('python3', [DRIVER], { input: JSON.stringify(job) });
      let ended = false;
      void held.then(() => {
        ended = true;
      });
      while (!ended) {
        await setTimeout(500);
        await server.virsh('destroy', 'test');
        await server.virsh('start', 'test');
      }
      assert.equal((JSON.parse((await held).out) as { error: string | null }).error, null);
    });

    it('edits a definition with an editor', async () => {
      const editor = join(server.directory, 'editor.sh');
      writeFileSync(editor, `#!/bin/sh\nsed -i "s|<vcpu placement='static'>2|<vcpu placement='static'>3|" "$1"\n`, {
        mode: 0o755,
      });
      const { text, status } = playCommand(['virsh', '-c', server.uri(), 'edit', 'test'], [], { VISUAL: editor });
      assert.equal(status, 0, text);
      assert.match(text, /Domain 'test' XML configuration edited/);
      assert.match((await server.virsh('dumpxml', 'test', '--inactive')).out, /<vcpu placement='static'>3</);
    });
  });
});

const DRIVER = fileURLToPath(new URL('../../../tools/cli/pty-driver.py', import.meta.url));
