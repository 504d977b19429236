import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { hostMirror } from '../../../src/tools/image/mirror.ts';

describe("the host's Debian mirror", () => {
  let etc: string;

  beforeEach(() => {
    etc = mkdtempSync(join(tmpdir(), 'nodevisor-apt-'));
  });

  afterEach(() => rmSync(etc, { recursive: true }));

  async function mirrorOf(files: Readonly<Record<string, string>>): Promise<string | undefined> {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(etc, name)), { recursive: true });
      writeFileSync(join(etc, name), text);
    }
    return hostMirror(etc);
  }

  it('is taken from sources.list', async () => {
    const list =
      '# deb http://old/debian sid main\ndeb [arch=amd64] http://ftp.xx.debian.org/debian/ trixie main # x\n';
    assert.equal(await mirrorOf({ 'sources.list': list }), 'http://ftp.xx.debian.org/debian');
  });

  it('is taken from a deb822 file', async () => {
    const sources =
      'Types: deb deb-src\n# a comment\nURIs: https://mirror.example/debian\nSuites: bookworm\n bookworm-updates\n' +
      'Components: main\n';
    assert.equal(await mirrorOf({ 'sources.list.d/debian.sources': sources }), 'https://mirror.example/debian');
  });

  it("passes over other people's archives, the security archive, sources and what is switched off", async () => {
    const files = {
      'sources.list':
        'deb http://security.debian.org/debian-security trixie-security main\ndeb-src http://src/debian trixie main\n' +
        'deb https://download.example/linux/debian-extra trixie stable\ndeb file:/srv/debian trixie main\n',
      'sources.list.d/a.sources':
        'Types: deb\nEnabled: no\nURIs: http://off/debian\nSuites: trixie\nComponents: main\n',
      'sources.list.d/b.sources':
        'Types: deb\nURIs: http://proxy.example/cache-trixie\nSuites: trixie\nComponents: main\n' +
        'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n',
      'sources.list.d/ignored.txt': 'deb http://ignored/debian trixie main\n',
    };
    assert.equal(await mirrorOf(files), 'http://proxy.example/cache-trixie');
  });

  it('is unknown where apt has none', async () => {
    assert.equal(await mirrorOf({ 'sources.list': 'deb http://archive.ubuntu.com/ubuntu noble main\n' }), undefined);
    assert.equal(await hostMirror(join(etc, 'missing')), undefined);
  });
});
