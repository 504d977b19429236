import { strict as assert } from 'node:assert';
import { connect, defaultUri, parseConnectionUri } from '../../src/index.ts';

describe('connection URIs', () => {
  it('are taken apart', () => {
    const { driver, transport, host, path, params } = parseConnectionUri('Nodevisor+TCP://me@box:16509/a%20b?x=1&y=');
    assert.deepEqual([driver, transport, host, path], ['nodevisor', 'tcp', 'me@box:16509', '/a b']);
    assert.deepEqual(
      [...params],
      [
        ['x', '1'],
        ['y', ''],
      ],
    );
    assert.deepEqual([parseConnectionUri('test://').path, parseConnectionUri('test://').transport], ['/', undefined]);
  });

  it('are refused when they are none', async () => {
    for (const uri of ['', 'embed', 'nodevisor:/embed', '://', 'test:///%zz', 'test:///default#x']) {
      await assert.rejects(connect(uri), { code: 'INVALID_ARG', message: /is no connection URI/ });
    }
  });

  it('come from the environment, or lead to the user’s own daemon', async () => {
    assert.equal(defaultUri({}), 'nodevisor:///session');
    assert.equal(defaultUri({ NODEVISOR_URI: '', LIBVIRT_DEFAULT_URI: '' }), 'nodevisor:///session');
    assert.equal(defaultUri({ NODEVISOR_URI: '', LIBVIRT_DEFAULT_URI: 'qemu:///system' }), 'qemu:///system');
    assert.equal(defaultUri({ NODEVISOR_URI: 'test:///default', LIBVIRT_DEFAULT_URI: 'x:///' }), 'test:///default');
    const before = process.env['NODEVISOR_URI'];
    process.env['NODEVISOR_URI'] = 'test:///default';
    try {
      const connection = await connect();
      assert.equal(await connection.getURI(), 'test:///default');
      await connection.close();
    } finally {
      if (before === undefined) delete process.env['NODEVISOR_URI'];
      else process.env['NODEVISOR_URI'] = before;
    }
  });

  it('of nothing there is say so', async () => {
    await assert.rejects(connect('test:///other'), {
      code: 'NO_CONNECT',
      message: /no connection driver available for test:\/\/\/other/,
    });
    await assert.rejects(connect('nodevisor:///embed?novel=1'), {
      code: 'INVALID_ARG',
      message: /unknown parameter 'novel'/,
    });
    await assert.rejects(connect('nodevisor:///embed?state='), { code: 'INVALID_ARG', message: /names no directory/ });
  });
});
