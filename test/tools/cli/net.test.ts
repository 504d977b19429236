import { strict as assert } from 'node:assert';
import { parseNet, parseNets } from '../../../src/tools/cli/run/net.ts';

describe('--net', () => {
  it('names a user network with its settings', () => {
    assert.deepEqual(parseNet('user'), { type: 'user', forwards: [], hostLoopback: false });
    const text =
      'user,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=udp::5353-10.0.2.16:53,host-loopback=on,ipv6=off,hostname=box';
    assert.deepEqual(parseNet(text), {
      type: 'user',
      forwards: [
        { protocol: 'tcp', hostAddress: '127.0.0.1', hostPort: 2222, guestPort: 22 },
        { protocol: 'udp', hostPort: 5353, guestAddress: '10.0.2.16', guestPort: 53 },
      ],
      hostLoopback: true,
      ipv6: false,
      hostname: 'box',
    });
    assert.deepEqual(parseNet('user,restrict'), { type: 'user', forwards: [], hostLoopback: false, restrict: [] });
    assert.deepEqual(parseNet('user,restrict,allow=192.0.2.0/24:80'), {
      type: 'user',
      forwards: [],
      hostLoopback: false,
      restrict: ['192.0.2.0/24:80'],
    });
  });

  it('names cables of other kinds', () => {
    assert.deepEqual(parseNet('stream=unix:/tmp/a b,server'), { type: 'stream', path: '/tmp/a b', server: true });
    assert.deepEqual(parseNet('network=default'), { type: 'network', name: 'default' });
    assert.deepEqual(parseNet('stream=[::1]:70'), { type: 'stream', host: '::1', port: 70, server: false });
    assert.deepEqual(parseNet('dgram=127.0.0.1:1,remote=127.0.0.1:2'), {
      type: 'dgram',
      local: { host: '127.0.0.1', port: 1 },
      remote: { host: '127.0.0.1', port: 2 },
    });
    assert.deepEqual(parseNet('none'), { type: 'none' });
    assert.deepEqual(parseNet('passt'), { type: 'passt' });
    assert.deepEqual(parseNet('tap'), { type: 'tap' });
    assert.deepEqual(parseNet('tap=tap7,script=no,downscript=no'), { type: 'tap', name: 'tap7' });
    assert.deepEqual(parseNet('bridge=br0'), { type: 'bridge', bridge: 'br0' });
    assert.deepEqual(parseNet('bridge=br0,tap=vm1'), { type: 'bridge', bridge: 'br0', name: 'vm1' });
  });

  it('is refused with what is wrong with it', () => {
    for (const [text, why] of [
      ['', /none of user, network=NAME, stream=ADDRESS/],
      ['network=', /none of user/],
      ['tun', /none of user/],
      ['user,hostfwd=2222', /hostfwd=2222: write it like tcp:127\.0\.0\.1:2222-:22/],
      ['user,hostfwd=tcp::0-:22', /0 is no port/],
      ['user,hostfwd=tcp::70000-:22', /70000 is no port/],
      ['user,colour=red', /'colour=red' is no setting of a user network/],
      ['user,restrict=maybe', /restrict=maybe: it is on or off/],
      ['stream=nowhere', /'nowhere' is no address/],
      ['dgram=127.0.0.1:1', /give the other end/],
      ['none,restrict', /'restrict' does not go with none/],
      ['tap=', /none of user/],
      ['tap=t,script=/etc/qemu-ifup', /script=\/etc\/qemu-ifup: no script is run/],
      ['tap=t,vhost=on', /'vhost' is no setting of a tap device/],
      ['bridge', /none of user/],
      ['bridge=br0,helper=x', /'helper' is no setting of a bridge/],
      ['bridge=br0,tap=a,tap=b', /'tap' is no setting of a bridge/],
    ] as const) {
      assert.throws(() => parseNet(text), why, text);
    }
  });

  it('takes an address and a capture file in the same place', () => {
    const nets = parseNets(['none', 'none'], ['52:54:00:00:00:01'], []);
    assert.deepEqual(nets, [{ type: 'none', mac: '52:54:00:00:00:01' }, { type: 'none' }]);
    assert.throws(() => parseNets(['none'], [], ['a', 'b']), /--capture b: there is no --net for it/);
  });
});
